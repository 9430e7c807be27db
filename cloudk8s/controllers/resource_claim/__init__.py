"""ResourceClaims: made from templates for the pods that ask for them, and given back when no pod uses them any more.

`pod_claims` says which claim is meant by what a pod declares, `making` makes the missing ones, `upkeep` keeps
`status.reservedFor` true; `controller` decides when. Allocation is the scheduler's.
"""
