"""From bytes to trees: parsing, type checks, pruning, field validation, and what decoding and encoding in Go would do.

Belongs here: how a body becomes a tree of the served type, and what upstream says when it does not.
Forbidden here: defaults and rules of particular kinds (`cloudk8s.api.strategies`).
"""
