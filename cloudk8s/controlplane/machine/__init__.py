"""A machine of a provisioned cluster, from its first boot on: what user data starts.

`settings` is what user data says; a machine of the control plane makes everything else out of the cluster's seed, a
worker asks the API. Belongs here: composition of components on such a machine. Forbidden here: calls to a cloud.
"""
