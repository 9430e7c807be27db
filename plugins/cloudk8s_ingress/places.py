"""Where this host listens for Ingresses: what an administrator says, or the first loopback address that is free."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping

from cloudk8s_ingress.configuration import Listen
from cloudk8s_ingress.process import ProxyError

_ADDRESSES = [f"127.0.0.{number}" for number in range(1, 32)]
_PORTS = ((80, 443), (8080, 8443))
"""The second pair is for those who may not listen on the first."""


def place(said: Mapping[str, str]) -> Listen:
    """`address`, `http-port` and `https-port` as said, else found. Raises ProxyError. Blocks for a moment."""
    if "address" in said:
        try:
            return Listen(said["address"], int(said.get("http-port", 80)), int(said.get("https-port", 443)))
        except ValueError as error:
            raise ProxyError(f"the ports of the ingress settings are no numbers: {error}") from error
    for listen in _candidates():
        if _is_free(listen):
            return listen
    raise ProxyError("no loopback address has ports 80 and 443, or 8080 and 8443, free")


def _candidates() -> Iterator[Listen]:
    for http, https in _PORTS:
        for address in _ADDRESSES:
            yield Listen(address, http, https)


def _is_free(listen: Listen) -> bool:
    for port in (listen.http, listen.https):
        try:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((listen.address, port))
        except OSError:
            return False
    return True
