"""`custom.metrics.k8s.io` and `external.metrics.k8s.io`: metrics of objects and of things outside.

Belongs here: pure data. Forbidden here: where values come from.

https://github.com/kubernetes/design-proposals-archive/blob/main/instrumentation/custom-metrics-api.md
"""
