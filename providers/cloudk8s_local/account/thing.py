"""One thing that was ordered: a network, an endpoint, a machine, a volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["network", "endpoint", "machine", "volume"]
State = Literal["creating", "ready", "deleting"]


@dataclass(frozen=True, slots=True)
class Thing:
    """What the account remembers of it. `creating` and `deleting` that nobody works at are taken up again."""

    id: str
    kind: Kind
    cluster: str
    owner: str
    """UID of what it was made for."""
    key: str = ""
    """Its key in the owner's stack, where it has one."""
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    state: State = "creating"
    created: float = 0.0
    """Seconds since the epoch."""
