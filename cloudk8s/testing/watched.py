"""A provider's contracts with a recorder in front: each call is noted, and may get another answer than the real one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.interface import Failures, Instances, LoadBalancers, Routes
from cloudk8s.cloud.model.instance import Instance, InstanceCapabilities, NodeRef
from cloudk8s.cloud.model.load_balancer import (
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
)
from cloudk8s.cloud.model.route import Route, RouteCapabilities
from cloudk8s.testing.recording_cloud import Recorder


class WatchedInstances:
    """See `cloudk8s.cloud.interface.Instances`."""

    def __init__(self, real: Instances, recorder: Recorder) -> None:
        self._real, self._recorder = real, recorder

    @property
    def capabilities(self) -> InstanceCapabilities:
        return self._real.capabilities

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        answer: Mapping[str, Instance] = self._recorder.record("describe", nodes, lambda: self._real.describe(nodes))
        return answer


class WatchedRoutes:
    """See `cloudk8s.cloud.interface.Routes`."""

    def __init__(self, real: Routes, recorder: Recorder) -> None:
        self._real, self._recorder = real, recorder

    @property
    def capabilities(self) -> RouteCapabilities:
        return self._real.capabilities

    def list(self, nodes: Sequence[NodeRef]) -> Sequence[Route]:
        answer: Sequence[Route] = self._recorder.record("list", nodes, lambda: self._real.list(nodes))
        return answer

    def create(self, routes: Sequence[Route]) -> Failures:
        return self._failures("create", routes)

    def delete(self, routes: Sequence[Route]) -> Failures:
        return self._failures("delete", routes)

    def _failures(self, method: str, routes: Sequence[Route]) -> Failures:
        failures: Failures = self._recorder.record(method, routes, lambda: getattr(self._real, method)(routes))
        return failures


class WatchedLoadBalancers:
    """See `cloudk8s.cloud.interface.LoadBalancers`."""

    def __init__(self, real: LoadBalancers, recorder: Recorder) -> None:
        self._real, self._recorder = real, recorder

    @property
    def capabilities(self) -> LoadBalancerCapabilities:
        return self._real.capabilities

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        answer: Mapping[str, LoadBalancerState] = self._ask("describe_balancers", services, self._real.describe)
        return answer

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        status: LoadBalancerStatus = self._ask("ensure", request, self._real.ensure)
        return status

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        failures: Failures = self._ask("update_targets", requests, self._real.update_targets)
        return failures

    def delete(self, service: ServiceKey) -> None:
        self._ask("delete_balancer", service, self._real.delete)

    def list_owned(self) -> Sequence[LoadBalancerState]:
        answer: Sequence[LoadBalancerState] = self._ask("list_owned", None, lambda _: self._real.list_owned())
        return answer

    def _ask(self, method: str, argument: Any, real: Any) -> Any:
        return self._recorder.record(method, argument, lambda: real(argument))
