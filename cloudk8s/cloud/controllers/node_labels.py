"""Labels that follow from the instance. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of
from cloudk8s.cloud.model.instance import Instance

OWNED_LABELS = "cloudk8s.io/cloud-labels"
"""Annotation: the additional labels that a cloud gave this node, so that only those follow the cloud later on."""

TYPE = ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type")
ZONE = ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone")
REGION = ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region")
PAIRS = (ZONE, REGION, TYPE)


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What to write (None removes) and which keys were left to the user, with the value that the cloud wanted."""

    labels: Mapping[str, str | None] = field(default_factory=dict)
    annotation: str | None = None
    kept: Mapping[str, str] = field(default_factory=dict)


def wanted_labels(node: Object, instance: Instance) -> LabelChange:
    """What to write so that type, zone, region and the cloud's own labels are true.

    The six well-known labels always follow the cloud. An additional label never overwrites one that the cloud did not
    set, and keys of kubernetes.io and k8s.io are not the cloud's to set.
    """
    present = labels_of(node)
    wanted: dict[str, str | None] = {}
    for pair, value in ((TYPE, instance.type), (ZONE, instance.zone), (REGION, instance.region)):
        if value:
            wanted |= dict.fromkeys(pair, value)
    owned = owned_labels(node)
    allowed = {key: value for key, value in instance.labels.items() if not _is_reserved(key)}
    mine = {key: value for key, value in allowed.items() if key in owned or present.get(key, value) == value}
    kept = {key: value for key, value in allowed.items() if key not in mine}
    wanted |= mine
    wanted |= {key: None for key in owned - allowed.keys() if key in present}
    changes = {key: value for key, value in wanted.items() if present.get(key) != value}
    return LabelChange(changes, _annotation(owned, frozenset(mine)), kept)


def corrected_labels(node: Object) -> Mapping[str, str]:
    """GA labels to write where a beta label says something else; nothing is read from the cloud."""
    present = labels_of(node)
    return {ga: present[beta] for beta, ga in PAIRS if beta in present and present.get(ga) != present[beta]}


def owned_labels(node: Object) -> frozenset[str]:
    """Keys of the additional labels that came from the cloud."""
    try:
        keys = json.loads(annotations_of(node).get(OWNED_LABELS, "[]"))
    except ValueError:
        return frozenset()
    return frozenset(keys) if isinstance(keys, list) else frozenset()


def _annotation(before: frozenset[str], after: frozenset[str]) -> str | None:
    """The new text of the annotation; None where it stays."""
    return None if before == after else json.dumps(sorted(after))


def _is_reserved(key: str) -> bool:
    domain = key.partition("/")[0] if "/" in key else ""
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in ("kubernetes.io", "k8s.io"))
