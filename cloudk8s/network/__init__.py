"""Service proxy, pod network, network policy and cluster DNS."""
