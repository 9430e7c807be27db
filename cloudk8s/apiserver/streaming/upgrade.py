"""The handshakes of upgrades: which protocol a request asks for, and the head of the answer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

SPDY = "SPDY/3.1"
PROTOCOL_HEADER = "x-stream-protocol-version"
PORT_FORWARD = "portforward.k8s.io"
TUNNEL_PREFIX = "SPDY/3.1+"
_WEBSOCKET_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class NoProtocol(Exception):
    """Client and server have no protocol in common; the text is for the answer."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was agreed on; `head` is the answer to send before the new protocol begins."""

    kind: Literal["spdy", "websocket"]
    protocol: str
    head: bytes


def is_upgrade(headers: Mapping[str, str]) -> bool:
    """Whether a request asks to leave HTTP."""
    return "upgrade" in headers.get("connection", "").lower() and bool(headers.get("upgrade"))


def is_websocket(headers: Mapping[str, str]) -> bool:
    """Whether a request asks for a WebSocket."""
    return is_upgrade(headers) and headers["upgrade"].lower() == "websocket"


def offered(headers: Mapping[str, str]) -> list[str]:
    """The subprotocols of a WebSocket that the client names."""
    return _words(headers.get("sec-websocket-protocol", ""))


def agree(headers: Mapping[str, str], *, spdy: Sequence[str], websocket: Sequence[str]) -> Upgrade:
    """Choose the protocol; `spdy` and `websocket` are those the server speaks, the best first. Raises NoProtocol."""
    if is_websocket(headers):
        return _websocket(headers, websocket)
    if is_upgrade(headers) and headers["upgrade"].lower() == SPDY.lower():
        return _spdy(headers, spdy)
    raise NoProtocol("unable to upgrade: missing upgrade headers in request")


def _websocket(headers: Mapping[str, str], known: Sequence[str]) -> Upgrade:
    key = headers.get("sec-websocket-key", "")
    if not key or headers.get("sec-websocket-version") != "13":
        raise NoProtocol("unable to upgrade: not a WebSocket handshake of version 13")
    named = offered(headers)
    chosen = next((each for each in known if each in named), "")
    if named and not chosen:
        raise NoProtocol(f"unable to upgrade: unable to negotiate protocol: client supports {named}")
    lines = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": _accept_token(key)}
    if chosen:
        lines["Sec-WebSocket-Protocol"] = chosen
    return Upgrade("websocket", chosen, _head(lines))


def _accept_token(key: str) -> str:
    """`Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _WEBSOCKET_GUID, usedforsecurity=False).digest()).decode()


def _spdy(headers: Mapping[str, str], known: Sequence[str]) -> Upgrade:
    offered = _words(headers.get(PROTOCOL_HEADER, ""))
    chosen = next((each for each in offered if each in known), "")
    if offered and not chosen:
        raise NoProtocol(
            f"unable to upgrade: unable to negotiate protocol: client supports {offered}, server accepts {list(known)}"
        )
    lines = {"Connection": "Upgrade", "Upgrade": SPDY}
    if chosen:
        lines["X-Stream-Protocol-Version"] = chosen
    return Upgrade("spdy", chosen, _head(lines))


def request_head(method: str, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """The request of a client that upgrades."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _head(lines: Mapping[str, str]) -> bytes:
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 101 Switching Protocols\r\n{text}\r\n".encode("latin-1")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
