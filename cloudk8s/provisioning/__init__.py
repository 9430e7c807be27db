"""Declared clusters become networks, machines and joined nodes, and nothing again.

`declaration` reads what is wanted; pure functions turn it into a network stack and machines; `plan` compares that with
what the cloud holds, and `apply` does it, in one process and without a file of its own: the tags in the cloud are the
state. Belongs here: what is true of a cluster on any cloud. Forbidden here: any SDK, printing.
"""
