"""Requests and stored objects to authenticate against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.apiserver.http.interface import Headers, Request


class Line:
    """A connection, with or without a client certificate."""

    def __init__(self, certificate: bytes | None = None) -> None:
        self.peer_certificate = certificate
        self.remote = "127.0.0.1"
        self.memo: dict[str, object] = {}


def request(line: Line | None = None, **headers: str) -> Request:
    named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Request("GET", "/", named, b"", line or Line())


class Objects:
    """Stored objects by group, plural, name and namespace; a `Lookup`."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str, str, str], dict[str, Any]] = {}

    def __call__(self, group: str, plural: str, name: str, namespace: str) -> Mapping[str, Any] | None:
        return self.stored.get((group, plural, name, namespace))

    def add(self, plural: str, name: str, namespace: str = "", *, group: str = "", **fields: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace, "uid": f"{plural}-{name}-uid"} | fields.pop("metadata", {})
        obj = self.stored[group, plural, name, namespace] = {"metadata": metadata, **fields}
        return obj
