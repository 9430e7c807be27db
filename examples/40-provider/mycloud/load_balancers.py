"""Load balancers of Services: one document each, put and deleted atomically.

A cloud whose load balancers are made of several objects is better served by a stack: see `cloudk8s.cloud.stack`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.plugin import (
    CloudNotFound,
    Failures,
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
)

from mycloud.api import Api


class MycloudLoadBalancers:
    """Owned by cluster and Service UID, both stored in the document."""

    capabilities = LoadBalancerCapabilities(protocols=frozenset({"TCP", "UDP"}), mixed_protocols=True)

    def __init__(self, api: Api, *, cluster: str) -> None:
        self._api = api
        self._cluster = cluster

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        wanted = {service.uid for service in services}
        return {state.service.uid: state for state in self.list_owned() if state.service.uid in wanted}

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        present = self._api.balancers.get(self._key(request.service))
        if (wanted := self._document(request)) != present:
            self._api.put_balancer(self._key(request.service), wanted)
        return _status(wanted)

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        there = {document["uid"] for document in self._api.list_balancers()}
        for request in requests:
            if request.service.uid in there:
                self._api.put_balancer(self._key(request.service), self._document(request))
        return {r.service.uid: CloudNotFound(f"{r.service} has none") for r in requests if r.service.uid not in there}

    def delete(self, service: ServiceKey) -> None:
        if self._key(service) in self._api.balancers:
            self._api.delete_balancer(self._key(service))

    def list_owned(self) -> Sequence[LoadBalancerState]:
        mine = [document for document in self._api.list_balancers() if document["cluster"] == self._cluster]
        return [
            LoadBalancerState(
                ServiceKey(document["uid"], document["namespace"], document["name"]),
                _status(document),
                document["digest"],
                document["targets_digest"],
            )
            for document in mine
        ]

    def _key(self, service: ServiceKey) -> str:
        return f"{self._cluster}/{service.uid}"

    def _document(self, request: LoadBalancerRequest) -> dict[str, Any]:
        service = request.service
        return {
            "cluster": self._cluster,
            "uid": service.uid,
            "namespace": service.namespace,
            "name": service.name,
            "ports": [[port.protocol, port.port, port.node_port] for port in request.ports],
            "members": [node.provider_id for node in request.nodes],
            "digest": request.digest,
            "targets_digest": request.targets_digest,
        }


def _status(document: Mapping[str, Any]) -> LoadBalancerStatus:
    return LoadBalancerStatus((Ingress(hostname=f"{document['uid']}.lb.mycloud.example"),))
