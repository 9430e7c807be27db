"""Dataclasses of settings as JSON, for another process."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def encode(settings: object) -> bytes:
    """JSON, from which `decode` makes the same settings."""
    return msgspec.json.encode(settings, enc_hook=_written)


def decode(kind: type[T], data: bytes | str) -> T:
    """What `encode` was given."""
    return msgspec.json.decode(data, type=kind, dec_hook=_read)


def _written(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"no setting is a {type(value).__name__}")


def _read(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    raise TypeError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")
