"""Dynamic resources: devices in slices, claims for them, and which devices a claim gets on a node.

Belongs here: reading and matching. Forbidden here: extension points.
"""
