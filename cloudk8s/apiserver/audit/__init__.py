"""Who did what, when, and what came of it: `audit.k8s.io/v1` events by upstream's policy, one JSON line each.

Off unless a policy is given; then nothing of this is called. Forbidden here: changing a request or its answer.
"""
