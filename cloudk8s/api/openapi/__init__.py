"""OpenAPI documents of what is served: version 3, one for each group and version, and one document of version 2.

Belongs here: schemas, paths and documents, made from the registry as plain JSON trees.
Forbidden here: HTTP, decoding, validation.
"""
