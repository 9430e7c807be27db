"""Requests that somebody behind the server answers: kubelets, pods, services.

Belongs here: reaching a backend and passing bytes on. Forbidden here: which pod or node is meant (`subresources`).
"""
