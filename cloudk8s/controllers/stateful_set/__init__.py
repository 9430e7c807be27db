"""StatefulSets: pods with a name, a place in the order and volumes of their own.

`members` says which pod has which ordinal and how it looks, `volumes` which claims belong to it and who owns them,
`requests` makes and deletes both, `rollout` decides in which order, `controller` when.
"""
