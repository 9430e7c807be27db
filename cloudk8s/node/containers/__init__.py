"""A container's description for the runtime, made from the pod's spec.

Belongs here: environment, expansion, downward API, resources, security, mounts, termination messages.
Forbidden here: the runtime's calls, the API; what comes from elsewhere is handed in.
"""
