"""What the scheduler reads from a pod: parsed once for each shape, shared by all pods of that shape.

Belongs here: parsed, immutable values. Forbidden here: nodes, numpy, the API.
"""
