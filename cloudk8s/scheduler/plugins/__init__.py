"""The built-in plugins, one file each, by upstream's names.

Belongs here: what a plugin decides. Forbidden here: queues, loops, other plugins.
"""
