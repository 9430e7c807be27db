"""Volumes that are directories of the node: claims bind out of the box, and their data goes with them.

Belongs here: where such a directory is, how it is made and deleted, and the StorageClass `local-path`.
"""
