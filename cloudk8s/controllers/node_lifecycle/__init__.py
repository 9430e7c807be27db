"""Notice nodes that have gone silent, say so, taint them, and be careful when too many have.

`health` knows when a node was last heard of and what its conditions should say, `taints` what it should be tainted
with, `zones` how fast nodes of a zone may be given up, `controller` does it. Pods are deleted by the taint eviction
controller, not here.
"""
