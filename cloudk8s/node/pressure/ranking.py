"""Which pod goes first when something is short: one that uses more than it asked for, matters less, uses most. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import Format, Quantity
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.requests import requests

_NEVER_ASKED_FOR = ("pids",)
"""Using much of these is no sign of using more than one's share: nobody can ask for them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod and how much of the scarce resource each of its containers uses."""

    pod: Object
    usage: Mapping[str, int]
    shared: int = 0
    """What belongs to the pod, not to one container: its volumes."""

    @property
    def used(self) -> int:
        return sum(self.usage.values()) + self.shared


def first_to_go(candidates: Iterable[Candidate], resource: str) -> Candidate | None:
    """The pod to evict, or None where none may be."""
    evictable = [each for each in candidates if not pods.is_critical(each.pod)]
    return min(evictable, key=lambda each: _rank(each, resource), default=None)


def words(candidate: Candidate, resource: str) -> str:
    """What the evicted pod's status says of its containers."""
    parts = []
    for container in pods.containers(candidate.pod):
        used = candidate.usage.get(container["name"], 0)
        asked = quantity.parse(((container.get("resources") or {}).get("requests") or {}).get(resource, "0"))
        if used > asked.value:
            shown = str(Quantity.of(used, Format.BINARY_SI))
            parts.append(
                f"Container {container['name']} was using {shown}, request is {asked}, "
                f"has larger consumption of {resource}. "
            )
    return "".join(parts)


def _rank(candidate: Candidate, resource: str) -> tuple[bool, int, int]:
    asked = requests(candidate.pod).get(resource, quantity.ZERO).value
    over = candidate.used - asked
    is_modest = over <= 0 and resource not in _NEVER_ASKED_FOR
    return is_modest, int(spec_of(candidate.pod).get("priority") or 0), -over
