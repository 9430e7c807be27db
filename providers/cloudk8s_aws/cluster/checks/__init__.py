"""Looks before a new cluster is begun; each module is one kind of thing that could fail later.

Belongs here: reads and dry runs, and findings that say what to do. Forbidden here: any change.
"""
