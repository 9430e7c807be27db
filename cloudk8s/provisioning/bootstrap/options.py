"""Read `bootstrap.options` of a method; what is wrong is told with its field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cloudk8s.errors import SettingsError

M = TypeVar("M", bound=BaseModel)


def read_options(model: type[M], options: Mapping[str, Any]) -> M:
    """The options, checked. Raises SettingsError."""
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        known = ", ".join(model.model_fields)
        hint = f"; there is {known}" if first["type"] == "extra_forbidden" else ""
        raise SettingsError(f"bootstrap.options.{place}: {first['msg']}{hint}") from error
