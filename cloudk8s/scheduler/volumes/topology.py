"""Where volumes can be reached, and where new ones can be made, as rows of the columns."""

from __future__ import annotations

import numpy as np

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, spec_of
from cloudk8s.machinery import labels, quantity
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.pod.node_selection import NodeRequirement, NodeTerm, node_terms
from cloudk8s.scheduler.volumes.matching import requested
from cloudk8s.scheduler.volumes.storage import NO_PROVISIONER, Storage


def reachable(volume: Object, cluster: Cluster) -> Bools | None:
    """The rows that a volume's node affinity allows; None if it allows all."""
    selector = (spec_of(volume).get("nodeAffinity") or {}).get("required")
    return None if selector is None else cluster.selector.any_of(node_terms(selector))


def provisionable(claim: Object, storage: Storage, cluster: Cluster) -> tuple[Bools | None, Bools | None] | None:
    """Where a volume for a claim may be made by topology, and where there is space for it; None if it can't be made.

    Each part is None where it allows all rows.
    """
    found = storage.class_of(claim)
    if found is None or found.get("provisioner") in (None, "", NO_PROVISIONER):
        return None
    terms = tuple(_term(item) for item in found.get("allowedTopologies") or ())
    allowed = cluster.selector.any_of(terms) if terms else None
    return allowed, _with_space(claim, found, storage, cluster)


def _term(item: Object) -> NodeTerm:
    expressions = item.get("matchLabelExpressions") or ()
    return NodeTerm(tuple(NodeRequirement(one["key"], "In", tuple(one.get("values") or ())) for one in expressions), ())


def _with_space(claim: Object, found: Object, storage: Storage, cluster: Cluster) -> Bools | None:
    """Rows in a segment of the storage that reports enough space; None if the driver does not report any."""
    driver = storage.drivers.get(found["provisioner"])
    if driver is None or not spec_of(driver).get("storageCapacity"):
        return None
    nodes, wanted = cluster.nodes, requested(claim)
    rows = np.zeros(nodes.size, dtype=np.bool_)
    for item in storage.capacities.list():
        if item.get("storageClassName") != found["metadata"]["name"] or not _suffices(item, wanted):
            continue
        topology = item.get("nodeTopology")
        if topology is None:
            continue
        selector = labels.from_object(topology)
        matching = (node is not None and selector.matches(labels_of(node)) for node in nodes.objects)
        rows |= np.fromiter(matching, dtype=np.bool_, count=nodes.size)
    return rows


def _suffices(item: Object, wanted: int) -> bool:
    limit = item.get("maximumVolumeSize") or item.get("capacity")
    return limit is not None and quantity.parse(limit).value >= wanted
