"""NetworkPolicies: who may speak with the pods of this node.

Policies and pods become values (`model`), values become parts of an nftables table (`parts`, pure), and `enforcer`
keeps the table in step. Without privileges nothing is enforced.
"""
