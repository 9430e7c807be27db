"""Forwarding in the kernel, by nftables: a table of our own, verdict maps, and transactions of what changed.

`layout` is what every table has, `parts` what one rule adds (both pure); `forwarder` hands changes to the kernel.
"""
