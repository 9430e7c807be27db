"""Custom and external metrics that annotations tell, so that every kind of autoscaling can be tried.

- `custom-metrics.simulated.cloudk8s.io/NAME` of an object: its metric NAME
- `custom-load.simulated.cloudk8s.io/NAME` of a ReplicaSet, StatefulSet or replication controller (a Deployment hands
  it on): shared by its running pods
- `external-metrics.simulated.cloudk8s.io/NAME` of a namespace: what NAME is outside, as seen from there
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from cloudk8s.api.custom_metrics.source import ExternalValue
from cloudk8s.client import resources
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import annotations_of, uid_of
from cloudk8s.machinery.quantity import Quantity, QuantityError, parse
from cloudk8s_simulated.nodes.sharing import Sharing

CUSTOM: Final = "custom-metrics.simulated.cloudk8s.io/"
LOAD: Final = "custom-load.simulated.cloudk8s.io/"
EXTERNAL: Final = "external-metrics.simulated.cloudk8s.io/"
_MEASURED: Final[Sequence[Resource]] = (
    resources.PODS, resources.SERVICES, resources.INGRESSES, resources.DEPLOYMENTS, resources.STATEFUL_SETS,
    resources.NODES, resources.NAMESPACES,
)  # fmt: skip
"""Kinds whose metrics discovery lists; others answer too."""
Names = frozenset[tuple[str, str]]


class SimulatedMetrics:
    """A source of custom metrics; everything is read from the objects when it is asked for."""

    def __init__(self, informers: Informers, sharing: Sharing) -> None:
        self._sharing = sharing
        self._namespaces = informers.of(resources.NAMESPACES)
        self._told: dict[str, tuple[Names, frozenset[str]]] = {}
        self._custom: Names = frozenset()
        self._external: frozenset[str] = frozenset()
        self._on_change: Callable[[], None] = lambda: None
        for resource in dict.fromkeys((*_MEASURED, *sharing.owners)):
            informers.of(resource).add_handler(self._handler(resource))

    def of_object(self, obj: Object, metric: str) -> Quantity | None:
        """What the object's own annotation says, or its share of a load."""
        own = _read(annotations_of(obj), CUSTOM + metric)
        if own is not None or obj.get("kind") != "Pod":
            return own
        owner = self._sharing.owner_of(obj)
        load = _read(annotations_of(owner), LOAD + metric) if owner else None
        return None if load is None or owner is None else Quantity(load.nanos // self._sharing.sharers(owner))

    def external(self, namespace: str, metric: str) -> Sequence[ExternalValue]:
        """One value without labels, or none."""
        found = self._namespaces.get(namespace)
        value = _read(annotations_of(found), EXTERNAL + metric) if found else None
        return [] if value is None else [ExternalValue(value)]

    def custom_names(self) -> Names:
        return self._custom

    def external_names(self) -> frozenset[str]:
        return self._external

    def follow(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` whenever metrics come or go."""
        self._on_change = on_change

    def _handler(self, resource: Resource) -> Callable[[Object | None, Object | None], None]:
        plural = f"{resource.plural}.{resource.group}" if resource.group else resource.plural

        def on_object(old: Object | None, new: Object | None) -> None:
            uid = uid_of(new or old or {})
            if uid not in self._told and not (new and annotations_of(new)):
                return
            custom = frozenset(_custom_names(plural, new)) if new else frozenset[tuple[str, str]]()
            external = frozenset(_names(new, EXTERNAL)) if new and plural == "namespaces" else frozenset[str]()
            if (custom, external) != self._told.get(uid, (frozenset(), frozenset())):
                self._tell(uid, custom, external)

        return on_object

    def _tell(self, uid: str, custom: Names, external: frozenset[str]) -> None:
        if custom or external:
            self._told[uid] = (custom, external)
        else:
            self._told.pop(uid, None)
        names = frozenset[tuple[str, str]]().union(*(found for found, _ in self._told.values()))
        outside = frozenset[str]().union(*(found for _, found in self._told.values()))
        if (names, outside) != (self._custom, self._external):
            self._custom, self._external = names, outside
            self._on_change()


def _custom_names(plural: str, obj: Object) -> Iterator[tuple[str, str]]:
    yield from ((plural, name) for name in _names(obj, CUSTOM))
    if plural != "deployments.apps":
        yield from (("pods", name) for name in _names(obj, LOAD))


def _names(obj: Object, prefix: str) -> Iterator[str]:
    return (key.removeprefix(prefix) for key in annotations_of(obj) if key.startswith(prefix))


def _read(annotations: Mapping[str, str], key: str) -> Quantity | None:
    text = annotations.get(key)
    try:
        return parse(text) if text else None
    except QuantityError:
        return None
