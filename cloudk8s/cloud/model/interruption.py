"""What a cloud says beforehand of machines that it is about to take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interruption:
    """One message."""

    receipt: str
    """By which the message is forgotten."""
    machines: tuple[str, ...] = ()
    """Ids of the machines that it is about, whoever's; empty where that can't be told."""
    what: str = ""
    """What is going to happen, for people."""
    is_final: bool = False
    """The machines will be taken, or stopped: they are to be empty before."""
