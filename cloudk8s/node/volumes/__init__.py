"""Volumes: what a pod names becomes a directory of this host that its containers see.

Belongs here: one file for each kind of volume, the atomic writer, ownership, sub-paths.
Forbidden here: runtimes; containers' mounts are made of what `manager.py` returns.
"""
