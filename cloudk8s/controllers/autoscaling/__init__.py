"""HorizontalPodAutoscalers: as many replicas as metrics call for.

`metrics` asks the metrics APIs, `usage` turns what pods use into a number of replicas, `proposals` does so for each
kind of metric, `damping` keeps that number from jumping, `sync` does one look at one autoscaler, `controller` does all
of them every fifteen seconds.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""
