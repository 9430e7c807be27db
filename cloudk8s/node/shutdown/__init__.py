"""Graceful shutdown of a node: pods end in order before the host does.

https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/
"""
