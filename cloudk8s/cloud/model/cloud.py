"""One configured cloud: what every cloud hook is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from cloudk8s.machinery.clock import Clock, SystemClock

if TYPE_CHECKING:
    from pydantic import BaseModel

Settings = TypeVar("Settings", bound="BaseModel", covariant=True)


@dataclass(frozen=True, slots=True)
class Cloud(Generic[Settings]):
    """A provider with settings, under a name that is unique in the cluster."""

    name: str
    provider: str
    settings: Settings
    cluster: str
    """The cluster's id: part of every ownership tag."""
    clock: Clock = SystemClock()  # noqa: RUF009 (stateless)
