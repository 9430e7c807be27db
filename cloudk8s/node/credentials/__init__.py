"""Logins to image registries: from the secrets that a pod names, and from programs of the node (KEP-2133)."""
