"""What a cluster has on this host: nodes and where they run, their network, and what is taken back later.

Forbidden here: what the components of the control plane do; they run without nodes, too.
"""
