"""What several layers ask of this host's kernel: its addresses, to pass packets on, to keep processes apart.

Belongs here: small questions and switches that node agent, network and control plane share. Forbidden here: anything
that a cluster makes, and imports from any other layer.
"""
