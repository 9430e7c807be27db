"""What the agent reads from the API and writes to it.

Belongs here: caches of objects that pods refer to, tokens, the writers of pod status, node status and lease.
Forbidden here: runtimes, what a status should be.
"""
