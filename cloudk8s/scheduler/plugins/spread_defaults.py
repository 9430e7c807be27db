"""Spread constraints for pods that bring none: over nodes and zones, with the other pods of their service or owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import REPLICA_SETS, REPLICATION_CONTROLLERS, SERVICES, STATEFUL_SETS
from cloudk8s.machinery import labels
from cloudk8s.machinery.labels import Selector
from cloudk8s.scheduler.interface import Handle
from cloudk8s.scheduler.pod.shape import Shape
from cloudk8s.scheduler.pod.spread import HOSTNAME, ZONE, SpreadConstraint, same_namespace, spread_constraints

_ANY: Final = same_namespace("", labels.NOTHING)
SYSTEM: Final = (
    SpreadConstraint(max_skew=3, topology_key=HOSTNAME, is_required=False, matcher=_ANY),
    SpreadConstraint(max_skew=5, topology_key=ZONE, is_required=False, matcher=_ANY),
)
OWNERS: Final[Mapping[str, Resource]] = {
    "ReplicaSet": REPLICA_SETS, "ReplicationController": REPLICATION_CONTROLLERS, "StatefulSet": STATEFUL_SETS,
}  # fmt: skip


class DefaultConstraints:
    """`defaultingType: System` are upstream's constraints, `List` those of `defaultConstraints`."""

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self.are_the_systems = (arguments.get("defaultingType") or "System") == "System"
        given = spread_constraints(arguments.get("defaultConstraints"), "", {})
        self._constraints: Sequence[SpreadConstraint] = SYSTEM if self.are_the_systems else given
        self._version = 0
        if self._constraints:
            self._services = self._follow(handle, SERVICES)
            self._owners = {kind: self._follow(handle, resource) for kind, resource in OWNERS.items()}

    def of(self, shape: Shape) -> Sequence[SpreadConstraint]:
        """The constraints for pods of this shape; none if nothing groups them."""
        if not self._constraints:
            return ()
        version, known = shape.memo.get("default spread") or (-1, ())
        if version == self._version:
            return known
        selector = self._selector(shape)
        found: Sequence[SpreadConstraint] = ()
        if not selector.is_everything:
            matcher = same_namespace(shape.namespace, selector)
            is_own = selector.matches(shape.labels)
            found = tuple(replace(item, matcher=matcher, matches_self=is_own) for item in self._constraints)
        shape.memo["default spread"] = (self._version, found)
        return found

    def _selector(self, shape: Shape) -> Selector:
        """What services and the owner select, all together."""
        wanted: dict[str, str] = {}
        for service in self._services.list(shape.namespace):
            selector = spec_of(service).get("selector") or {}
            if selector and selector.items() <= shape.labels.items():
                wanted |= selector
        kind, name = shape.owner or ("", "")
        owner = self._owners[kind].get(name, shape.namespace) if kind in self._owners else None
        if owner is None:
            return labels.from_map(wanted)
        if kind == "ReplicationController":
            return labels.from_map(wanted | (spec_of(owner).get("selector") or {}))
        chosen = labels.from_object(spec_of(owner).get("selector"))
        return Selector((*labels.from_map(wanted).requirements, *chosen.requirements))

    def _follow(self, handle: Handle, resource: Resource) -> Informer:
        informer = handle.informers.of(resource)
        informer.add_handler(self._changed)
        return informer

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or spec_of(old).get("selector") != spec_of(new).get("selector"):
            self._version += 1
