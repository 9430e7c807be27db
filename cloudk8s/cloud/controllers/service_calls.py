"""The service controller's calls to clouds: which nodes go where, and how many calls that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of
from cloudk8s.cloud.controllers.service_nodes import Selector, parse_selector
from cloudk8s.cloud.controllers.service_request import make_request, service_key
from cloudk8s.cloud.controllers.service_support import refuse_unsupported
from cloudk8s.cloud.directory import AttachedCloud
from cloudk8s.cloud.interface import LoadBalancers
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import (
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    PodTarget,
    ServiceKey,
)
from cloudk8s.errors import CloudError

NODE_SELECTOR = "cloudk8s.io/load-balancer-node-selector"
"""Annotation of any Service: `k=v,k2=` narrows its nodes. Providers may know another one beside it."""


class Targets(Protocol):
    """Where members come from."""

    async def nodes(self, cloud: AttachedCloud, selector: Selector) -> tuple[NodeRef, ...]: ...

    def pods(self, service: Object) -> tuple[PodTarget, ...]: ...


class ServiceCalls:
    """Builds requests and makes calls; holds no state of its own."""

    def __init__(self, targets: Targets, *, cluster: str) -> None:
        self._targets = targets
        self._cluster = cluster

    async def request(self, service: Object, cloud: AttachedCloud) -> LoadBalancerRequest:
        """The desired state with its members. Raises Unsupported for what the provider has not declared."""
        can = _balancers(cloud).capabilities
        nodes = await self._targets.nodes(cloud, self.selector(service, cloud))
        request = make_request(service, cluster=self._cluster, capabilities=can, nodes=nodes)
        to_pods = self.sends_to_pods(service, cloud)
        refuse_unsupported(request, can, wants_pods=to_pods)
        return replace(request, pods=self._targets.pods(service)) if to_pods else request

    def selector(self, service: Object, cloud: AttachedCloud) -> Selector:
        """What a node's labels must be, by our annotation and the provider's."""
        annotations = annotations_of(service)
        names = (NODE_SELECTOR, _balancers(cloud).capabilities.node_selector_annotation)
        return {k: v for name in names for k, v in parse_selector(annotations.get(name, "")).items()}

    def sends_to_pods(self, service: Object, cloud: AttachedCloud) -> bool:
        """Whether a Service asks for pods as members."""
        wanted = _balancers(cloud).capabilities.pod_target_annotations
        return any(annotations_of(service).get(name) == value for name, value in wanted)

    async def ensure(self, cloud: AttachedCloud, request: LoadBalancerRequest) -> LoadBalancerStatus:
        return await cloud.calls.run(("service", request.service.uid), _balancers(cloud).ensure, request)

    async def delete(self, cloud: AttachedCloud, service: Object) -> None:
        key = service_key(service)
        await cloud.calls.run(("service", key.uid), _balancers(cloud).delete, key)

    async def describe(self, cloud: AttachedCloud, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        return await cloud.calls.run(None, _balancers(cloud).describe, services)

    async def update(
        self, cloud: AttachedCloud, requests: Sequence[LoadBalancerRequest]
    ) -> Mapping[str, CloudError | None]:
        """Update members, several calls at once; the outcome by UID."""
        size = _balancers(cloud).capabilities.update_batch or max(1, len(requests))
        batches = [requests[start : start + size] for start in range(0, len(requests), size)]
        answers = await asyncio.gather(*(self._update(cloud, batch) for batch in batches))
        return {uid: error for answer in answers for uid, error in answer.items()}

    async def _update(
        self, cloud: AttachedCloud, batch: Sequence[LoadBalancerRequest]
    ) -> Mapping[str, CloudError | None]:
        uids = [request.service.uid for request in batch]
        key = ("service", uids[0]) if len(uids) == 1 else None
        try:
            failed = await cloud.calls.run(key, _balancers(cloud).update_targets, batch)
        except CloudError as error:
            return dict.fromkeys(uids, error)
        return {uid: failed.get(uid) for uid in uids}


def _balancers(cloud: AttachedCloud) -> LoadBalancers:
    assert cloud.load_balancers is not None
    return cloud.load_balancers
