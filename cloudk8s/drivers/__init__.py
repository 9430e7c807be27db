"""Programs of others that the cluster works with over gRPC on a Unix socket: storage drivers, device plugins.

Belongs here: their protocols (messages as tables, calls) and how they are reached; used by the node and by controllers.
Forbidden here: what is done with them. gRPC is imported when the first one is called, never before.
"""
