"""What an object is.

Belongs here: the resource registry, schemas, defaulting, validation, printing, per-kind strategies, our own kinds.
Forbidden here: I/O other than reading the registry file, storage, HTTP.
"""
