"""A host within this host for a user without privileges: a user namespace in which that user may make interfaces.

Pods there have addresses, Services and names like anywhere else. What leaves is carried by this process: TCP
connections one by one, datagrams and pings by their flows.
"""
