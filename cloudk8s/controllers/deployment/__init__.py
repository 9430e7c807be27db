"""Deployments: roll from one pod template to the next by growing one ReplicaSet and shrinking the others.

Belongs here: what to do with a Deployment's ReplicaSets. Forbidden here: pods, but for counting them.
Data flow of one reconciliation: `controller` gathers the ReplicaSets → `rollout` decides with the arithmetic of `sets`
and `scaling` and writes ReplicaSets → `status` says how it went.
"""
