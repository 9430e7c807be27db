"""Any Kubernetes API server, seen from outside.

Belongs here: the client contract and its transports (network, in process), kubeconfig, informers, work queue, leader
election, events. Forbidden here: what a particular controller does.
"""
