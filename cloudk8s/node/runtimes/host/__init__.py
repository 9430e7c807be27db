"""The embedded runtime: containers are processes of this host.

Belongs here: the runtime itself, its state on disk, its images, its network; `shim/` runs beside the containers.
With privileges a container gets namespaces, a root file system from its image and cgroup limits; without, what the
host allows, and `isolation.py` says what is missing.
"""
