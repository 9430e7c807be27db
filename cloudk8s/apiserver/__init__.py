"""HTTP in, storage out.

Belongs here: authentication, audit, authorization, admission, verbs, discovery, OpenAPI, streaming.
Forbidden here: controllers' work; anything that a client could do through the API.
"""
