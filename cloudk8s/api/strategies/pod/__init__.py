"""Pods: defaults (also of pod templates), what a client may set, what an update may change, warnings."""
