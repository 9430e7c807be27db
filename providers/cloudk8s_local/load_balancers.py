"""The `LoadBalancers` contract on this host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from cloudk8s.plugin import (
    CloudError,
    CloudNotFound,
    Failures,
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
)
from cloudk8s_local.balancing.design import design_of, members_of
from cloudk8s_local.host.host import Host, Mark
from cloudk8s_local.host.records import BalancerRecord

CAPABILITIES = LoadBalancerCapabilities(
    protocols=frozenset({"TCP", "UDP"}), mixed_protocols=True, source_ranges=True, session_affinity=True,
    load_balancer_ip=True, update_batch=0, classes=frozenset({"cloudk8s.io/local"}), revision="1",
)  # fmt: skip


class LocalLoadBalancers:
    """Every Service has an address of its own, and a listener on each of its ports."""

    def __init__(self, host: Host, *, health_port: int = 10256, is_shared: bool = True) -> None:
        self._host, self._health_port, self._is_shared = host, health_port, is_shared

    @property
    def capabilities(self) -> LoadBalancerCapabilities:
        families = self._host.families
        return replace(CAPABILITIES, ip_families=families, dual_stack=len(families) > 1)

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        records, marks = self._host.state()
        return {
            service.uid: self._state(record, marks.get(record.uid))
            for service in services
            if (record := records.balancers.get(service.uid)) is not None
        }

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        host, service = self._host, request.service
        wanted = request.load_balancer_ip
        addresses = host.assign(
            service.uid, service.namespace, service.name, families=request.ip_families, wanted=wanted
        )
        for address in addresses:
            if not _is_loopback(address) and address not in host.kernel_addresses():
                host.add_address(address)
        design = design_of(request, addresses)
        frontends, present = design.frontends(), host.listening(service.uid)
        for frontend in present:
            if frontend not in frontends:
                host.close_listener(service.uid, frontend)
        for frontend in frontends:
            if frontend not in present:
                host.open(service.uid, design, frontend)
        host.change(service.uid, design, members_of(request, health_port=self._health_port))
        host.mark(service.uid, (request.digest, request.targets_digest))
        return self._status(addresses)

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        failures: dict[str, CloudError] = {}
        records, marks = self._host.state()
        for request in requests:
            uid = request.service.uid
            if uid not in records.balancers or uid not in marks:
                failures[uid] = CloudNotFound(f"{request.service} has no load balancer")
                continue
            members = members_of(request, health_port=self._health_port)
            try:
                self._host.change(uid, self._host.design(uid), members)
                self._host.mark(uid, (marks[uid][0], request.targets_digest))
            except CloudError as error:
                failures[uid] = error
        return failures

    def delete(self, service: ServiceKey) -> None:
        self._host.forget(service.uid)

    def list_owned(self) -> Sequence[LoadBalancerState]:
        records, marks = self._host.state()
        return [self._state(record, marks.get(record.uid)) for record in records.balancers.values()]

    def close(self) -> None:
        """Called when the cluster stops."""
        self._host.close()

    def _state(self, record: BalancerRecord, mark: Mark | None) -> LoadBalancerState:
        """A balancer that this process has not opened has no digests, so that the core ensures it again."""
        service = ServiceKey(record.uid, record.namespace, record.name)
        digest, targets = mark or ("", "")
        return LoadBalancerState(service, self._status(record.addresses), digest, targets)

    def _status(self, addresses: Sequence[str]) -> LoadBalancerStatus:
        """Proxies may take the traffic where this host's own knows all backends.

        Elsewhere it must really come through here: to choose a node, and because loopback addresses mean another host
        inside a pod.
        """
        return LoadBalancerStatus(tuple(Ingress(ip=text, ip_mode=self._mode(text)) for text in addresses))

    def _mode(self, address: str) -> Literal["VIP", "Proxy"]:
        return "Proxy" if _is_loopback(address) or not self._is_shared else "VIP"


def _is_loopback(address: str) -> bool:
    return address.startswith("127.")
