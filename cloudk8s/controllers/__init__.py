"""The controllers of kube-controller-manager, one file each.

Each talks to the API only, through `cloudk8s.client`. Forbidden here: imports between controllers' modules of
different nouns, storage, the scheduler.
"""
