"""What goes in and out of the cloud contracts: frozen values, no behaviour beyond reading them.

Belongs here: the nouns that `cloudk8s.cloud.interface` speaks of. Forbidden here: Kubernetes objects, I/O, any SDK.
"""
