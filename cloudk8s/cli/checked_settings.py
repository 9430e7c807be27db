"""Settings that a user gave, checked by pydantic before the program that they are for begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cloudk8s.errors import SettingsError

T = TypeVar("T")


def checked(kind: type[T], given: Mapping[str, Any]) -> T:
    """A dataclass of settings by their names, numbers also as text. SettingsError names those that can't be."""
    try:
        return TypeAdapter(kind).validate_python(dict(given))
    except ValidationError as error:
        found = (f"{'.'.join(map(str, each['loc'])) or kind.__name__}: {each['msg']}" for each in error.errors())
        raise SettingsError("; ".join(found)) from error
