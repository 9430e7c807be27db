"""What a user declares: the cluster file, its defaults, its errors and its JSON Schema.

Belongs here: pydantic models and the reading of them. Forbidden here: any call to a cloud.
"""
