"""The versions that one kind of object can be seen in; managers keep the version that they wrote."""

from __future__ import annotations

from typing import Any, Protocol

from cloudk8s.machinery.schema import Schema


class Versions(Protocol):
    """What a field manager must know about a kind beyond the version it serves."""

    def schema(self, api_version: str) -> Schema | None:
        """The schema of the kind in a version, None where it is not served (any more)."""

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        """The object in another served version; the given one is not changed."""


class OneVersion:
    """A kind that is served in a single version."""

    def __init__(self, api_version: str, schema: Schema) -> None:
        self._api_version = api_version
        self._schema = schema

    def schema(self, api_version: str) -> Schema | None:
        return self._schema if api_version == self._api_version else None

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        return obj
