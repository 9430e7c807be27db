"""Custom resources: what a CustomResourceDefinition means.

Belongs here: the rules for definitions, and from an accepted one the resource types, schemas, pruning, defaults and
validation of its objects. All of it is pure: definitions and objects in, values and findings out.
Forbidden here: storage, HTTP, knowledge of which definitions exist.
"""
