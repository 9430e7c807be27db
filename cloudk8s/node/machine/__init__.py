"""What the node is: its machine, its addresses, its Node object and lease.

Forbidden here: pods.
"""
