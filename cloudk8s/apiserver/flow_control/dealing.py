"""Shuffle sharding: each flow is dealt a few of a level's queues, so that a flood drowns few others.

The hash and the dealing are upstream's, so that a flow gets the same queues here.
"""

from __future__ import annotations

import hashlib


def hand(schema: str, distinguisher: str, *, queues: int, size: int) -> tuple[int, ...]:
    """The indices of the queues that a flow may use."""
    digest = hashlib.sha256(f"{schema}\0{distinguisher}".encode()).digest()
    value = int.from_bytes(digest[:8], "little")
    remainders = []
    for dealt in range(size):
        value, remainder = divmod(value, queues - dealt)
        remainders.append(remainder)
    return tuple(_card(remainders, index) for index in range(size))


def _card(remainders: list[int], index: int) -> int:
    """The card at a place: a remainder counts only the cards that are still in the deck."""
    card = remainders[index]
    for earlier in reversed(remainders[:index]):
        if card >= earlier:
            card += 1
    return card
