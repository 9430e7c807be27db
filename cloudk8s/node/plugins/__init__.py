"""Plugins of the node: how they are found and registered, as upstream's kubelet does it.

Forbidden here: what a kind of plugin does; handlers for that are handed in.
"""
