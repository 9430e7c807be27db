"""Making room for a pod by removing pods that matter less.

Belongs here: whom to remove, and removing them. Forbidden here: the rules of particular filters.
"""
