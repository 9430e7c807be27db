"""A fake cloud that does what it is told and remembers every call.

`answers` of a method are used up one by one: an exception is raised, anything else is returned in place of the real
answer. `calls` is the log. For behaviour that a real cloud has, use the simulated provider.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.interface import Failures
from cloudk8s.cloud.model.instance import Instance, InstanceCapabilities, NodeRef
from cloudk8s.cloud.model.load_balancer import (
    Ingress,
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
)
from cloudk8s.cloud.model.route import Route, RouteCapabilities
from cloudk8s.errors import CloudError, CloudNotFound


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a contract method."""

    method: str
    argument: Any


@dataclass(slots=True)
class Recorder:
    """Keeps the log, and answers that tests have put in."""

    calls: list[Call] = field(default_factory=list)
    answers: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))
    on_call: Callable[[Call], None] = lambda call: None

    def names(self) -> list[str]:
        """The methods that were called, in order."""
        return [call.method for call in self.calls]

    def arguments(self, method: str) -> list[Any]:
        """What a method was called with, each time."""
        return [call.argument for call in self.calls if call.method == method]

    def answer(self, method: str, *answers: Any) -> None:
        """What the next calls of a method give: an exception is raised."""
        self.answers[method].extend(answers)

    def record(self, method: str, argument: Any, default: Callable[[], Any]) -> Any:
        call = Call(method, argument)
        self.calls.append(call)
        self.on_call(call)
        if not self.answers[method]:
            return default()
        answer = self.answers[method].popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(slots=True)
class RecordingInstances:
    """Instances by node name; what is not in the table is nobody's."""

    instances: dict[str, Instance] = field(default_factory=dict)
    recorder: Recorder = field(default_factory=Recorder)
    capabilities: InstanceCapabilities = field(default_factory=InstanceCapabilities)

    def describe(self, nodes: Sequence[NodeRef]) -> Mapping[str, Instance]:
        def default() -> Mapping[str, Instance]:
            return {node.name: self.instances[node.name] for node in nodes if node.name in self.instances}

        answer: Mapping[str, Instance] = self.recorder.record("describe", tuple(nodes), default)
        return answer


@dataclass(slots=True)
class RecordingRoutes:
    """Routes in a list."""

    routes: list[Route] = field(default_factory=list)
    recorder: Recorder = field(default_factory=Recorder)
    capabilities: RouteCapabilities = field(default_factory=RouteCapabilities)
    refused: dict[str, CloudError] = field(default_factory=dict)
    """Errors by `Route.key`, for creates."""

    def list(self, nodes: Sequence[NodeRef]) -> Sequence[Route]:
        answer: Sequence[Route] = self.recorder.record("list", tuple(nodes), lambda: tuple(self.routes))
        return answer

    def create(self, routes: Sequence[Route]) -> Failures:
        def default() -> Failures:
            self.routes += [route for route in routes if route.key not in self.refused]
            return {route.key: self.refused[route.key] for route in routes if route.key in self.refused}

        answer: Failures = self.recorder.record("create", tuple(routes), default)
        return answer

    def delete(self, routes: Sequence[Route]) -> Failures:
        def default() -> Failures:
            self.routes[:] = [route for route in self.routes if route not in routes]
            return {}

        answer: Failures = self.recorder.record("delete", tuple(routes), default)
        return answer


@dataclass(slots=True)
class RecordingLoadBalancers:
    """Load balancers by Service UID."""

    states: dict[str, LoadBalancerState] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    recorder: Recorder = field(default_factory=Recorder)
    capabilities: LoadBalancerCapabilities = field(
        default_factory=lambda: LoadBalancerCapabilities(source_ranges=True, protocols=frozenset({"TCP", "UDP"}))
    )

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        wanted = {service.uid for service in services}
        found = {uid: state for uid, state in self.states.items() if uid in wanted}
        answer: Mapping[str, LoadBalancerState] = self.recorder.record("describe", tuple(services), lambda: found)
        return answer

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        def default() -> LoadBalancerStatus:
            status = LoadBalancerStatus((Ingress(ip=f"192.0.2.{len(self.states) + 1}"),))
            if known := self.states.get(request.service.uid):
                status = known.status
            state = LoadBalancerState(request.service, status, request.digest, request.targets_digest)
            self.states[request.service.uid] = state
            self.members[request.service.uid] = tuple(node.name for node in request.nodes)
            return status

        answer: LoadBalancerStatus = self.recorder.record("ensure", request, default)
        return answer

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        def default() -> Failures:
            failed: dict[str, CloudError] = {}
            for request in requests:
                if request.service.uid in self.states:
                    self.members[request.service.uid] = tuple(node.name for node in request.nodes)
                else:
                    failed[request.service.uid] = CloudNotFound(f"{request.service} has no load balancer")
            return failed

        answer: Failures = self.recorder.record("update_targets", tuple(requests), default)
        return answer

    def delete(self, service: ServiceKey) -> None:
        def default() -> None:
            self.states.pop(service.uid, None)
            self.members.pop(service.uid, None)

        self.recorder.record("delete", service, default)

    def list_owned(self) -> Sequence[LoadBalancerState]:
        answer: Sequence[LoadBalancerState] = self.recorder.record("list_owned", None, lambda: [*self.states.values()])
        return answer
