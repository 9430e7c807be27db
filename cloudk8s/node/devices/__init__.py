"""Devices that plugins offer: counted in the node's capacity, handed to containers one by one.

Belongs here: registration as upstream's kubelet takes it, allocation, and the checkpoint that outlives the agent.
Forbidden here: runtimes; a container gets environment, mounts and devices like any other.
"""
