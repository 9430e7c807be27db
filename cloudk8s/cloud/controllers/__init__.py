"""The cloud controllers: node, node-lifecycle, route and service, for any number of clouds at once.

Belongs here: what upstream's cloud-controller-manager does, and where we differ on purpose. Forbidden here: any
particular cloud, any SDK; calls of a cloud that do not go through `cloudk8s.cloud.calls`.
"""
