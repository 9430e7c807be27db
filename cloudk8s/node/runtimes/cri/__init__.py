"""Any runtime that speaks CRI (`runtime.v1`): containerd, CRI-O.

Belongs here: CRI's messages and their wire format, the calls over gRPC, streams through the runtime's streaming server.
"""
