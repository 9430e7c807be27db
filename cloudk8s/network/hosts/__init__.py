"""Hosts within this host: network namespaces with an address of their own, joined by a bridge. Linux, as root.

A process of such a host is started by `enter`; a thread of this process speaks for it by `thread`.
"""
