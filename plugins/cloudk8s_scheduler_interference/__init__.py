"""Keep workloads apart that disturb each other on a node: caches, memory bandwidth, disks, whatever a label names.

Off until a scheduler profile enables `Interference`. Belongs here: who disturbs whom, and how much that counts.
"""
