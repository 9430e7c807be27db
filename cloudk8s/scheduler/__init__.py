"""Which node a pod goes to.

Belongs here: queue, framework, columns, plugins. Forbidden here: anything but the API as a source of truth.
"""
