"""Custom resources while the server runs: definitions come, are established, change and go with their objects.

Belongs here: keeping the registry true to the stored definitions. Forbidden here: what a definition means
(`cloudk8s.api.custom`).
"""
