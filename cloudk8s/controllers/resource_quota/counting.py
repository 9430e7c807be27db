"""What objects use of a quota; yields to other work now and then, for there may be many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from cloudk8s.api.quota import scopes, usage
from cloudk8s.client.interface import Object, Resource
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.quantity import Quantity
from cloudk8s.machinery.times import parse_time

_AT_ONCE: Final = 500


async def count(
    quota: Object, resource: Resource, objects: Sequence[Object], names: Iterable[str], *, clock: Clock
) -> dict[str, Quantity]:
    """The usage of the quota's `names` by objects of one resource."""
    totals = dict.fromkeys(names, Quantity.of(0))
    for start in range(0, len(objects), _AT_ONCE):
        if start:
            await clock.sleep(0)
        for obj in objects[start : start + _AT_ONCE]:
            if not scopes.matches(quota, resource, obj) or _should_be_gone(obj, clock.now()):
                continue
            for name, amount in usage.of(resource, obj).items():
                if name in totals:
                    totals[name] = totals[name] + amount
    return totals


def _should_be_gone(obj: Object, now: datetime) -> bool:
    """Whether an object is long past its deletion: its node may be lost, and nobody should pay for that."""
    metadata = obj["metadata"]
    grace = metadata.get("deletionGracePeriodSeconds")
    if grace is None or not metadata.get("deletionTimestamp"):
        return False
    return now > parse_time(metadata["deletionTimestamp"]) + timedelta(seconds=int(grace))
