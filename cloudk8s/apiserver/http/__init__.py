"""The HTTP/1.1 server: bytes in, `Request` out; `Response` in, bytes out.

Forbidden here: Kubernetes. The server would serve any handler.
"""
