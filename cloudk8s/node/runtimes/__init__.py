"""Container runtimes: what turns a container's description into a running process.

Belongs here: the contract (`interface.py`) and one folder for each implementation.
Forbidden here: the Kubernetes API; a runtime knows sandboxes, containers and images, never pods' objects.
"""
