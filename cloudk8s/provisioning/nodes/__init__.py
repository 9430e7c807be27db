"""What provisioning does inside a cluster: who may join, how its nodes are, how they are emptied.

Belongs here: everything that talks to the API of the cluster that is being made. Forbidden here: calls to a cloud.
"""
