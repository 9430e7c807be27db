"""`metrics.k8s.io` on this server: the part that upstream leaves to an extension server.

Belongs here: answering requests from a source of usage. Forbidden here: measuring (`cloudk8s.resource_metrics`).
"""
