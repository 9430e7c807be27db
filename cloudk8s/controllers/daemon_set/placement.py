"""On which nodes a DaemonSet's pods belong; decisions are remembered until the node or the template changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from cloudk8s.client.interface import Object
from cloudk8s.client.node_matching import is_wanted_by, taints_of, untolerated
from cloudk8s.client.objects import labels_of, name_of, spec_of, uid_of
from cloudk8s.controllers.daemon_set.pods import with_daemon_tolerations


class Placement(NamedTuple):
    """Whether a new pod belongs on the node, and whether one that is there may stay."""

    runs: bool
    may_stay: bool


NOWHERE: Final = Placement(runs=False, may_stay=False)


def place(daemon_set: Object, node: Object) -> Placement:
    """Decide for one node."""
    return _place(with_daemon_tolerations(spec_of(daemon_set)["template"]["spec"]), node)


def is_same_place(old: Object, new: Object) -> bool:
    """Whether nothing about a node changed that placement depends on."""
    return labels_of(old) == labels_of(new) and taints_of(old) == taints_of(new)


@dataclass(slots=True)
class _Known:
    template: Mapping[str, Any]
    spec: Mapping[str, Any]
    places: dict[str, Placement] = field(default_factory=dict)


class Placements:
    """Placements of all DaemonSets. `node_changed` and `forget` keep it true."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def of(self, daemon_set: Object, node: Object) -> Placement:
        places = self._places(daemon_set)
        name = name_of(node)
        found = places.places.get(name)
        if found is None:
            found = places.places[name] = _place(places.spec, node)
        return found

    def node_changed(self, name: str) -> None:
        for known in self._known.values():
            known.places.pop(name, None)

    def forget(self, daemon_set: Object) -> None:
        self._known.pop(uid_of(daemon_set), None)

    def _places(self, daemon_set: Object) -> _Known:
        uid, template = uid_of(daemon_set), spec_of(daemon_set)["template"]
        known = self._known.get(uid)
        if known is None or (known.template is not template and known.template != template):
            known = self._known[uid] = _Known(template, with_daemon_tolerations(template["spec"]))
        return known


def _place(spec: Mapping[str, Any], node: Object) -> Placement:
    if spec.get("nodeName") and spec["nodeName"] != name_of(node):
        return NOWHERE
    if not is_wanted_by(spec, node):
        return NOWHERE
    taints, tolerations = taints_of(node), spec["tolerations"]
    if untolerated(taints, tolerations, "NoSchedule", "NoExecute") is None:
        return Placement(runs=True, may_stay=True)
    return Placement(runs=False, may_stay=untolerated(taints, tolerations, "NoExecute") is None)
