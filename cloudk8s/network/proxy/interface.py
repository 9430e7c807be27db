"""What carries the rules out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cloudk8s.network.proxy.model import RuleKey, Update


class Forwarder(Protocol):
    """Makes traffic follow the rules on this host. Calls never overlap.

    `start` removes what an earlier run left behind, `close` removes all this one made. After an error from `apply` the
    next update is a complete one. Open connections survive a change.
    """

    async def start(self) -> None:
        """Get ready; nothing is forwarded yet."""

    async def apply(self, update: Update) -> Sequence[RuleKey]:
        """Carry out a change; returns the rules that this host could not carry out in full, for a log and a retry."""

    async def check(self) -> bool:
        """Whether what was made is still there; False asks for everything to be applied again."""

    async def close(self) -> None:
        """Remove everything."""
