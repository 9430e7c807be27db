"""`custom.metrics.k8s.io` and `external.metrics.k8s.io` on this server, for a source that knows values.

Upstream leaves them to adapters; here they are served as long as the source has any metric at all.
"""
