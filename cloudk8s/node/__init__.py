"""The node agent: pods become processes.

Belongs here: pod lifecycle, probes, volumes, runtimes, the serving side on port 10250.
"""
