"""The registry file: a header and the definitions, compressed together, each definition decoded only when asked for."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

BUNDLED: Final = Path(__file__).with_name("registry.bin")
"""Where a wheel carries it and a checkout gets it built."""

_MAGIC: Final = b"cloudk8s-registry-2\n"


class CorruptRegistry(Exception):
    """The file is not a registry file of this release."""


def pack(header: Mapping[str, Any], definitions: Mapping[str, Any]) -> bytes:
    """The file's bytes; equal input gives equal bytes."""
    bodies = {name: _dump(definition) for name, definition in definitions.items()}
    index, offset = {}, 0
    for name, body in bodies.items():
        index[name] = [offset, len(body)]
        offset += len(body)
    head = _dump({**header, "index": index})
    return _MAGIC + zlib.compress(b"%d\n" % len(head) + head + b"".join(bodies.values()), 9)


class RegistryFile:
    """An opened registry file; holds the decompressed text, about a megabyte."""

    def __init__(self, data: bytes) -> None:
        if not data.startswith(_MAGIC):
            raise CorruptRegistry("the registry file was made by another release of cloudk8s")
        text = zlib.decompress(memoryview(data)[len(_MAGIC) :])
        length, _, _ = text[:20].partition(b"\n")
        start = len(length) + 1
        self._definitions_start = start + int(length)
        header = json.loads(text[start : self._definitions_start])
        self._text = text
        self._index: dict[str, list[int]] = header["index"]
        self.version: str = header["version"]
        self.sources: str = header.get("sources", "")
        self.resources: list[dict[str, Any]] = header["resources"]

    @property
    def names(self) -> list[str]:
        """Names of all definitions, sorted."""
        return list(self._index)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def definition(self, name: str) -> bytes:
        """One definition as JSON; KeyError if there is none of that name."""
        offset, length = self._index[name]
        start = self._definitions_start + offset
        return self._text[start : start + length]


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
