"""What several layers ask of this host's kernel: its addresses, and to pass packets on.

Belongs here: small questions and switches that node agent and network share. Forbidden here: anything that a cluster
makes, and imports from any other layer.
"""
