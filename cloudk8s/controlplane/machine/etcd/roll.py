"""The roll of etcd's members, as the cluster's API tells it: two ConfigMaps.

`cloudk8s-etcd` is written by the control plane: who belongs, and how they are. `cloudk8s-etcd-departures` is written by
who takes machines away: ids of members that shall go before their machines do. An id is never used twice, so an old
wish harms nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from cloudk8s.controlplane.machine.etcd.member import Member
from cloudk8s.machinery import codec

NAMESPACE: Final = "kube-system"
ROLL: Final = "cloudk8s-etcd"
DEPARTURES: Final = "cloudk8s-etcd-departures"
_KEY: Final = "members.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One member."""

    id: str
    name: str
    """That of its machine and node; empty until it has started."""
    address: str
    is_learner: bool = False
    is_healthy: bool = True
    objection: str = ""
    """Why it stays although it was asked to go."""


def entries_of(members: Sequence[Member], healthy: Collection[str], objections: Mapping[str, str]) -> tuple[Entry, ...]:
    """The roll, in the order of names."""
    found = (
        Entry(m.id, m.name, m.address, m.is_learner, m.id in healthy, objections.get(m.id, "")) for m in members
    )  # fmt: skip
    return tuple(sorted(found, key=lambda entry: (entry.name, entry.id)))


def roll_object(entries: Iterable[Entry]) -> dict[str, Any]:
    """The ConfigMap that tells who belongs."""
    return _object(ROLL, [asdict(entry) for entry in entries])


def read_roll(found: Mapping[str, Any] | None) -> tuple[Entry, ...]:
    """What the ConfigMap tells; nothing where there is none."""
    return tuple(Entry(**entry) for entry in _content(found))


def departures_object(ids: Iterable[str]) -> dict[str, Any]:
    """The ConfigMap that asks members to go."""
    return _object(DEPARTURES, sorted(ids))


def read_departures(found: Mapping[str, Any] | None) -> frozenset[str]:
    """Who shall go."""
    return frozenset(str(id) for id in _content(found))


def _object(name: str, content: Any) -> dict[str, Any]:
    data = {_KEY: codec.encode(content).decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}, "data": data}


def _content(found: Mapping[str, Any] | None) -> Sequence[Any]:
    text = ((found or {}).get("data") or {}).get(_KEY, "")
    content: Sequence[Any] = codec.decode(text.encode()) if text else ()
    return content
