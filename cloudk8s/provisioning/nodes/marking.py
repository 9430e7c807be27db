"""Labels, taints and providerID that provisioning gives to nodes; what is declared changes them in place. Pure.

What was given before is remembered in an annotation: what is no longer declared goes, what others gave stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of, spec_of
from cloudk8s.machinery import codec

POOL: Final = "cloudk8s.io/pool"
MACHINE: Final = "cluster.x-k8s.io/machine"
CLUSTER: Final = "cluster.x-k8s.io/cluster-name"
GIVEN: Final = "cloudk8s.io/given"
UNINITIALIZED: Final = "node.cluster.x-k8s.io/uninitialized"
Taint = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Marks:
    """What one node shall have."""

    cluster: str
    machine: str
    pool: str
    provider_id: str = ""
    labels: Mapping[str, str] | None = None
    taints: Sequence[Taint] = ()


def patch_of(node: Object, wanted: Marks) -> dict[str, Any] | None:
    """The merge patch that makes it so; None where it is."""
    given = _given(node)
    labels = {POOL: wanted.pool, **(wanted.labels or {})}
    dropped = dict.fromkeys(set(given.get("labels", ())) - labels.keys())
    present = labels_of(node)
    changes: dict[str, Any] = {
        key: value for key, value in {**labels, **dropped}.items() if present.get(key) != value
    }  # fmt: skip
    note = codec.encode_sorted({"labels": sorted(labels), "taints": [_key(taint) for taint in wanted.taints]}).decode()
    annotations = {MACHINE: wanted.machine, CLUSTER: wanted.cluster, GIVEN: note}
    known = annotations_of(node)
    metadata: dict[str, Any] = {"labels": changes} if changes else {}
    if fresh := {key: value for key, value in annotations.items() if known.get(key) != value}:
        metadata["annotations"] = fresh
    spec: dict[str, Any] = {}
    taints = _taints(node, wanted.taints, given.get("taints", ()))
    if taints != list(spec_of(node).get("taints") or ()):
        spec["taints"] = taints
    if wanted.provider_id and not spec_of(node).get("providerID"):
        spec["providerID"] = wanted.provider_id
    patch = {**({"metadata": metadata} if metadata else {}), **({"spec": spec} if spec else {})}
    return patch or None


def _taints(node: Object, wanted: Sequence[Taint], given: Sequence[str]) -> list[Taint]:
    """Others' taints as they are, ours as declared."""
    keys = {_key(taint) for taint in wanted}
    present = list(spec_of(node).get("taints") or ())
    kept = [taint for taint in present if _key(taint) not in set(given) - keys and taint["key"] != UNINITIALIZED]
    there = {_key(taint) for taint in kept}
    return kept + [dict(taint) for taint in wanted if _key(taint) not in there]


def _key(taint: Taint) -> str:
    return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"


def _given(node: Object) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = codec.decode(annotations_of(node).get(GIVEN, "{}").encode())
    except ValueError:
        return {}
    return found
