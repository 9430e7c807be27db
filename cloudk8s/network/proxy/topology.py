"""Which of all endpoints this node may use: readiness, hints and traffic policies.

https://kubernetes.io/docs/reference/networking/virtual-ips/ says what; where it is silent, kube-proxy counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.network.proxy.model import Backend, Locality


@dataclass(frozen=True, slots=True)
class Candidate:
    """An endpoint as a slice has it."""

    backend: Backend
    is_ready: bool
    is_serving: bool
    is_terminating: bool
    is_local: bool
    zones: frozenset[str]
    """Zones that shall use it."""
    nodes: frozenset[str]
    """Nodes that shall use it."""


def read_candidate(endpoint: Mapping[str, Any], port: int, where: Locality) -> Candidate:
    """Read an entry of a slice; conditions that are absent count as upstream counts them."""
    conditions = endpoint.get("conditions") or {}
    hints = endpoint.get("hints") or {}
    is_ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    return Candidate(
        backend=Backend(endpoint["addresses"][0], port),
        is_ready=is_ready,
        is_serving=is_ready if serving is None else bool(serving),
        is_terminating=bool(conditions.get("terminating")),
        is_local=endpoint.get("nodeName") in where.nodes,
        zones=frozenset(hint["name"] for hint in hints.get("forZones") or ()),
        nodes=frozenset(hint["name"] for hint in hints.get("forNodes") or ()),
    )


def cluster_wide(candidates: Sequence[Candidate], where: Locality) -> tuple[Backend, ...]:
    """What policy `Cluster` uses: ready endpoints that hints allow; else those that still serve while they end."""
    ready = [candidate for candidate in candidates if candidate.is_ready]
    return _backends(_hinted(ready, where) or _draining(candidates))


def local_only(candidates: Sequence[Candidate]) -> tuple[Backend, ...]:
    """What policy `Local` uses: the same, on this node and without hints."""
    local = [candidate for candidate in candidates if candidate.is_local]
    return _backends([candidate for candidate in local if candidate.is_ready] or _draining(local))


def is_usable(candidate: Candidate) -> bool:
    """Whether some node may send traffic there."""
    return candidate.is_ready or (candidate.is_serving and candidate.is_terminating)


def _hinted(ready: Sequence[Candidate], where: Locality) -> Sequence[Candidate]:
    """Follow hints only if every endpoint has one and one is for us: else traffic would go nowhere, or to a few."""
    if ready and all(candidate.nodes for candidate in ready):
        here = [candidate for candidate in ready if candidate.nodes & where.nodes]
        if here:
            return here
    if where.zone and ready and all(candidate.zones for candidate in ready):
        near = [candidate for candidate in ready if where.zone in candidate.zones]
        if near:
            return near
    return ready


def _draining(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.is_serving and candidate.is_terminating]


def _backends(candidates: Iterable[Candidate]) -> tuple[Backend, ...]:
    return tuple(sorted({candidate.backend for candidate in candidates}))
