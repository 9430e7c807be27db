"""Tables of nftables that are kept in step with something: what each part needs, and transactions of what changed.

Pure but for `command`, which hands transactions to the kernel. Packets never see a table that is half made.
"""
