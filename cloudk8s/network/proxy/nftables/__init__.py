"""Forwarding in the kernel, by nftables: a table of our own, verdict maps, and transactions of what changed.

`layout` is what every table has, `parts` what one rule adds (both pure), `table` turns changes of rules into the lines
of a transaction, `command` hands them to the kernel. Packets never see a table that is half made.
"""
