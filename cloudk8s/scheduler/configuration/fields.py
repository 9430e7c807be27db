"""What all parts of a configuration have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AliasGenerator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel

from cloudk8s.machinery.times import format_duration, parse_duration


def _duration(value: Any) -> Any:
    """Go's durations: `1m30s`, `500ms`."""
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(format_duration)]


class Model(BaseModel):
    """Fields in camel case; what is misspelt is refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        populate_by_name=True,
        alias_generator=AliasGenerator(validation_alias=to_camel, serialization_alias=to_camel),
    )
