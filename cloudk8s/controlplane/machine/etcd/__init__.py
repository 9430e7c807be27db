"""etcd on machines of a control plane: one member each, made, joined, watched and let go.

Belongs here: its certificates, its command line, its membership. Forbidden here: what is stored in it (that is the
storage plugin's), and calls to a cloud.
"""
