"""Streams through an HTTP upgrade: SPDY/3.1 and WebSocket, and the channels of exec, attach and port-forward over both.

Belongs here: framing as sans-I/O state machines, their asyncio adapters, the upgrade handshakes of both sides.
Forbidden here: what is at the end of a stream; the node agent and the API server's proxy use the same code.
"""
