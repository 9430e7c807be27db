"""The store on etcd: for clusters whose API servers run on several machines.

Each API server mirrors etcd in memory by one watch and reads from there; writes are etcd transactions, answered once
the mirror has seen them. Belongs here: etcd's wire format, a client of the few calls that are needed, and the mirror.
"""
