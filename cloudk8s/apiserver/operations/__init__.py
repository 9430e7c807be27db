"""The verbs on stored objects, one file each, without HTTP.

Each takes the `Core`, a `RequestContext` and a resource, and returns records; refusals are StatusErrors. The order of
a write's steps is upstream's: default, own fields, admit, prepare, validate, admit finally, store.
"""
