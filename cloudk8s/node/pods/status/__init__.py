"""What the API shows of a pod: pure functions of its spec, what the runtime has, and what is remembered.

Forbidden here: I/O of any kind.
"""
