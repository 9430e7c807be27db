"""Who takes the traffic of a Service: nodes, and pods where it asks for them.

Selections are kept while no node changes in a way that matters, so that equal members are one and the same tuple.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key, labels_of, name_of, namespace_of
from cloudk8s.cloud.controllers.node_reference import node_ref
from cloudk8s.cloud.controllers.service_nodes import Selector, select, takes_traffic
from cloudk8s.cloud.directory import AttachedCloud, CloudDirectory
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import PodTarget

SERVICE_NAME = "kubernetes.io/service-name"
BY_SERVICE = "balanced service"


class ServiceTargets:
    """Reads caches only. `slices` None: no cloud sends traffic to pods."""

    def __init__(
        self, directory: CloudDirectory, lookup: InstanceLookup, nodes: Informer, slices: Informer | None = None
    ) -> None:
        self._directory = directory
        self._lookup = lookup
        self._nodes = nodes
        self._slices = slices
        self._selected: dict[tuple[str, frozenset[tuple[str, str]]], tuple[NodeRef, ...]] = {}
        nodes.add_handler(self._on_node)
        if slices is not None:
            slices.add_index(BY_SERVICE, services_of)

    async def nodes(self, cloud: AttachedCloud, selector: Selector) -> tuple[NodeRef, ...]:
        """The members of a cloud's load balancers, ordered by name; the same tuple while nothing has changed."""
        name = (cloud.name, frozenset(selector.items()))
        if (known := self._selected.get(name)) is not None:
            return known
        members = select(await self._of_cloud(cloud), selector)
        self._selected[name] = members
        return members

    def pods(self, service: Object) -> tuple[PodTarget, ...]:
        """The ready endpoints of a Service, in a stable order."""
        if self._slices is None:
            return ()
        slices = self._slices.by_index(BY_SERVICE, key(namespace_of(service), name_of(service)))
        return tuple(sorted(set(pod_targets(slices)), key=lambda pod: (pod.service_port, pod.address, pod.port)))

    async def _of_cloud(self, cloud: AttachedCloud) -> Sequence[Object]:
        """The cloud's nodes; all nodes where there is but one cloud."""
        nodes = self._nodes.list()
        if len(self._directory.clouds) == 1:
            return nodes
        owners = await self._lookup.clouds_of([node_ref(node) for node in nodes])
        return [node for node in nodes if owners.get(name_of(node)) == cloud.name]

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or takes_traffic(old) != takes_traffic(new) or node_ref(old) != node_ref(new):
            self._selected.clear()


def services_of(slice: Object) -> Iterable[str]:
    """The Service that a slice belongs to, as a key; an index function."""
    name = labels_of(slice).get(SERVICE_NAME)
    return (key(namespace_of(slice), name),) if name else ()


def pod_targets(slices: Iterable[Object]) -> Iterable[PodTarget]:
    """Ready endpoints, one for each of their ports. Pure."""
    for slice in slices:
        if slice.get("addressType") == "FQDN":
            continue
        for endpoint in slice.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                yield from _of_endpoint(slice, endpoint)


def _of_endpoint(slice: Object, endpoint: Mapping[str, Any]) -> Iterable[PodTarget]:
    pod = str((endpoint.get("targetRef") or {}).get("name") or "")
    for port in slice.get("ports") or ():
        for address in endpoint.get("addresses") or ():
            if port.get("port"):
                node = str(endpoint.get("nodeName") or "")
                yield PodTarget(address, int(port["port"]), port.get("name") or "", node, pod)
