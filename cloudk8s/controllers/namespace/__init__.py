"""Empty namespaces that are being deleted, pods first, and let them go once nothing is left.

`controller` decides when, `content` deletes and counts, `conditions` says in the namespace's status what is in the way.
"""
