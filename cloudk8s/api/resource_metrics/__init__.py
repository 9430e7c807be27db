"""`metrics.k8s.io`: what nodes and pods use, as values, as API types and as answers.

Belongs here: pure data. Forbidden here: measuring (`cloudk8s.resource_metrics`) and serving
(`cloudk8s.apiserver.resource_metrics`).

https://github.com/kubernetes/design-proposals-archive/blob/main/instrumentation/resource-metrics-api.md
"""
