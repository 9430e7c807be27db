"""Where a volume may be and is: CSI's topologies, from labels of nodes and back to node affinity. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, spec_of

Segments = Mapping[str, str]


def of_node(node: Object, csi_node: Object | None, driver: str) -> Segments:
    """The part of a node's labels that the driver put there."""
    entries = spec_of(csi_node).get("drivers") or () if csi_node is not None else ()
    keys = next((each.get("topologyKeys") or () for each in entries if each["name"] == driver), ())
    return {key: labels_of(node)[key] for key in keys if key in labels_of(node)}


def requirement(preferred: Segments, others: Iterable[Segments], *, is_bound: bool) -> dict[str, Any] | None:
    """What the driver is asked for: where the pod goes first, then anywhere; only there where `is_bound`."""
    found: list[Segments] = [preferred] if preferred else []
    if not is_bound:
        found += [each for each in _unique(others) if each != preferred]
    if not found:
        return None
    segments = [{"segments": dict(each)} for each in found]
    return {"requisite": segments, "preferred": segments}


def affinity(topologies: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Node affinity to where the driver says that the volume can be reached; None for everywhere."""
    terms = [
        {"matchExpressions": [
            {"key": key, "operator": "In", "values": [value]} for key, value in sorted(topology["segments"].items())
        ]}
        for topology in topologies
        if topology.get("segments")
    ]  # fmt: skip
    return {"required": {"nodeSelectorTerms": terms}} if terms else None


def _unique(found: Iterable[Segments]) -> list[Segments]:
    unique: list[Segments] = []
    for each in found:
        if each and each not in unique:
            unique.append(each)
    return sorted(unique, key=lambda each: sorted(each.items()))
