"""How a fresh machine becomes a node: user data, by method.

`interface` is the contract, one file is a method; plugins add others by `register_bootstrap_methods`. Belongs here:
what is written into user data. Forbidden here: calls to a cloud or to a cluster's API. The same facts give the same
bytes, in any process, or a command that is run again would make machines twice.
"""
