"""KubeSchedulerConfiguration: what users may set, and the profiles it describes.

Belongs here: reading and checking a configuration. Forbidden here: running anything.
"""
