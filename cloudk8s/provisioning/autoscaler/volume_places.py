"""Where volumes are, and where they can be made, as terms over the labels of nodes."""

from __future__ import annotations

from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, spec_of
from cloudk8s.machinery import quantity
from cloudk8s.scheduler.plugins.volume_zone import KEYS
from cloudk8s.scheduler.pod.node_selection import NodeRequirement, NodeTerm, node_terms

Terms = tuple[NodeTerm, ...]
"""Any of them must match."""
_UNLABELLED: Final = NodeTerm(tuple(NodeRequirement(key, "DoesNotExist", ()) for key in KEYS), ())
_EVERYWHERE: Final = NodeTerm((NodeRequirement("", "DoesNotExist", ()),), ())


def volume_terms(volume: Object) -> list[Terms]:
    """What a volume's node affinity says, and its labels of zone and region; nodes without such labels pass these."""
    selector = (spec_of(volume).get("nodeAffinity") or {}).get("required")
    found = [] if selector is None else [node_terms(selector)]
    for key in KEYS:
        if value := labels_of(volume).get(key):
            requirement = NodeRequirement(key, "In", tuple(value.split("__")))
            found.append((NodeTerm((requirement,), ()), _UNLABELLED))
    return found


def class_terms(kind: Object) -> list[Terms]:
    """The topologies in which a class makes volumes."""
    allowed = tuple(_topology(item) for item in kind.get("allowedTopologies") or ())
    return [allowed] if allowed else []


def space_terms(capacities: list[Object], kind: Object, wanted: int) -> Terms:
    """Where a driver reports space for a volume of a class."""
    return tuple(_segment(item["nodeTopology"]) for item in capacities if _suffices(item, kind, wanted))


def node_terms_of(name: str) -> list[Terms]:
    """One node."""
    return [(NodeTerm((), (NodeRequirement("metadata.name", "In", (name,)),)),)]


def _topology(item: Object) -> NodeTerm:
    expressions = item.get("matchLabelExpressions") or ()
    return NodeTerm(tuple(NodeRequirement(one["key"], "In", tuple(one.get("values") or ())) for one in expressions), ())


def _segment(selector: Object) -> NodeTerm:
    equal = (
        {"key": key, "operator": "In", "values": [text]} for key, text in (selector.get("matchLabels") or {}).items()
    )
    expressions = [*equal, *(selector.get("matchExpressions") or ())]
    return node_terms({"nodeSelectorTerms": [{"matchExpressions": expressions}]})[0] if expressions else _EVERYWHERE


def _suffices(item: Object, kind: Object, wanted: int) -> bool:
    limit = item.get("maximumVolumeSize") or item.get("capacity")
    if item.get("storageClassName") != name_of(kind) or item.get("nodeTopology") is None or limit is None:
        return False
    return quantity.parse(limit).value >= wanted
