"""The Container Storage Interface: https://github.com/container-storage-interface/spec.

Belongs here: its messages and typed calls of a driver's three services.
"""
