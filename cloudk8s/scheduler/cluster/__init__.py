"""The cluster as columns: what is known of all nodes and of the pods on them, in arrays that follow every change.

A node has a slot, the index of its row in every column. Belongs here: state and its upkeep. Forbidden here: decisions.
"""
