"""A cluster as objects of its own API, in the shape of Cluster API (v1beta2): what is declared, and what became of it.

The objects are a way to say and to see what is declared; the state is in the cloud's tags, as without them.
"""
