"""Dataclasses of settings: checked when they are made of what somebody wrote, and as JSON for another process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cloudk8s.errors import SettingsError

T = TypeVar("T")


def checked(kind: type[T], given: Mapping[str, Any]) -> T:
    """Settings by their names, numbers also as text. Raises SettingsError that names the one that can't be."""
    try:
        return msgspec.convert(given, kind, strict=False, dec_hook=_read)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at ")
        raise SettingsError(f"{place.strip('`').removeprefix('$.') or kind.__name__}: {reason}") from error


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
