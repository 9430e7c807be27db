"""What a cluster has on this host: nodes and where they run, their network, and what is taken back later.

Forbidden here: the control plane's own components, which run without any of this.
"""
