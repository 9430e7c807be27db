"""What users may set: `pluginConfig` of `Deadline`."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class DeadlineSettings(BaseModel):
    """How much deadlines count."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, alias_generator=AliasGenerator(validation_alias=to_camel)
    )

    across_priorities: bool = False
    """Whether a near deadline goes before a higher priority; else it counts among pods of one priority."""
    on_missed: Literal["Run", "Hold"] = "Run"
    """What to do with a pod that cannot make it any more: run it all the same, or hold it back."""
    expected_seconds: int = Field(default=0, ge=0)
    """How long pods run that do not say so."""
