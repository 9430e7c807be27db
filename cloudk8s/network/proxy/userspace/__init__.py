"""Forwarding without privileges: listeners on the Services' addresses that relay to backends.

Only addresses that this host has can be listened on. Linux lets every user listen on all of 127.0.0.0/8, so a cluster
without privileges takes its Service addresses from there.
"""
