"""What users may set: `pluginConfig` of `Interference`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

LABEL = "cloudk8s.io/workload"


class Conflict(BaseModel):
    """Two kinds of workload that disturb each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    between: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)]
    """Values of the label; one value stands for pods that disturb their like."""
    penalty: int = Field(default=10, ge=0, le=1000)
    """How bad each such neighbour is, compared with those of other conflicts."""
    limit: int | None = Field(default=None, ge=0)
    """So many such neighbours and no more; none if nothing is said."""

    def neighbours_of(self, kind: str) -> str | None:
        """The kind that disturbs pods of `kind`, if the conflict is about them."""
        if kind not in self.between:
            return None
        return self.between[-1] if kind == self.between[0] else self.between[0]


class InterferenceSettings(BaseModel):
    """Without conflicts, pods with the same value of the label disturb each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = LABEL
    """The pod label that says what a workload is hungry for, such as `cache` or `disk`."""
    conflicts: tuple[Conflict, ...] = ()
    """Who disturbs whom."""

    def of(self, kind: str) -> tuple[Conflict, ...]:
        """The conflicts of pods of a kind."""
        if not self.conflicts:
            return (Conflict(between=(kind,)),)
        return tuple(conflict for conflict in self.conflicts if kind in conflict.between)
