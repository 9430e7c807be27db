"""Pure operations on objects and small async primitives.

Belongs here: selectors, quantities, patches, server-side apply, schema nodes, times, names, clock, tasks.
Forbidden here: I/O, knowledge of any particular kind, imports from any other layer but `errors`.
"""
