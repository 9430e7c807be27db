"""The local cloud: every cloud contract on this host, without a cloud.

Load balancers are listeners of the cluster's process, addresses and routes are the kernel's. What must survive a
restart (which Service has which address) is a small file; what a crash leaves in the kernel lies in the cluster's own
ranges and is taken away at the next start.
"""
