"""Load balancers as stacks: a provider writes a pure function from request to stack, and resource types.

The last resource of every stack is its mark: the digests of the request, stored in the cloud (as tags of the load
balancer). A restart reads marks only, so it costs a few reads for any number of Services.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from cloudk8s.cloud.interface import Failures
from cloudk8s.cloud.model.load_balancer import (
    LoadBalancerCapabilities,
    LoadBalancerRequest,
    LoadBalancerState,
    LoadBalancerStatus,
    ServiceKey,
)
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.plan import Plan
from cloudk8s.cloud.stack.resource import Owner, Resource, Stack, StackError
from cloudk8s.errors import CloudError, CloudNotFound

MARK = "mark"


@dataclass(frozen=True, slots=True)
class StackLoadBalancers:
    """The `LoadBalancers` contract on the engine."""

    cluster: str
    engine: Engine
    capabilities: LoadBalancerCapabilities
    build: Callable[[LoadBalancerRequest], Stack]
    """Pure; raises Unsupported for what can't be built. Must end with `mark`."""
    status: Callable[[LoadBalancerRequest | None, Observation], LoadBalancerStatus]
    """Pure: where the load balancer is reached."""
    balancer_types: frozenset[str]
    """The types whose resources are load balancers themselves."""
    summary_types: frozenset[str]
    """Types to list for `describe`: the load balancer and its mark, whatever is cheap."""
    member_types: frozenset[str]
    """Types to look at when only members change; with what they refer to."""
    parallel: int = 8
    extra: Mapping[str, str] = field(default_factory=dict)

    def describe(self, services: Sequence[ServiceKey]) -> Mapping[str, LoadBalancerState]:
        wanted = {service.uid: service for service in services}
        observation = self._observe(self.summary_types, next(iter(wanted), "") if len(wanted) == 1 else "")
        states = (self._state(wanted[uid], observation.of(uid)) for uid in observation.owners() if uid in wanted)
        return {state.service.uid: state for state in states}

    def ensure(self, request: LoadBalancerRequest) -> LoadBalancerStatus:
        if request.cluster != self.cluster:
            raise StackError(f"{request.service} is of cluster {request.cluster!r}, and this is for {self.cluster!r}")
        outcome = self.engine.apply(self.build(request))
        outcome.raise_for_failure()
        return self.status(request, outcome.observation)

    def update_targets(self, requests: Sequence[LoadBalancerRequest]) -> Failures:
        if len(requests) == 1:
            answers = [self._update(requests[0])]
        else:
            with ThreadPoolExecutor(self.parallel, thread_name_prefix="members") as pool:
                answers = list(pool.map(self._update, requests))
        failed = zip(requests, answers, strict=True)
        return {request.service.uid: error for request, error in failed if error is not None}

    def delete(self, service: ServiceKey) -> None:
        self.engine.delete(owner_of(self.cluster, service)).raise_for_failure()

    def list_owned(self) -> Sequence[LoadBalancerState]:
        observation = self.engine.observe(self.cluster)
        return [self._state(_named(uid, observation.of(uid)), observation.of(uid)) for uid in observation.owners()]

    def plan(self, request: LoadBalancerRequest) -> Plan:
        """What `ensure` would do now; reads only."""
        return self.engine.plan(self.build(request))

    def plan_deletion(self, service: ServiceKey) -> Plan:
        """What `delete` would do now; reads only."""
        return self.engine.plan(Stack(owner_of(self.cluster, service)))

    def _update(self, request: LoadBalancerRequest) -> CloudError | None:
        engine = replace(self.engine, types=[kind for kind in self.engine.types if kind.name in self.member_types])
        try:
            observation = engine.observe(self.cluster, request.service.uid)
            if not any(entry.type in self.balancer_types and entry.is_alive for entry in observation.resources):
                return CloudNotFound(f"{request.service} has no load balancer")
            engine.apply(self._members_of(self.build(request)), observation).raise_for_failure()
        except CloudError as error:
            return error
        return None

    def _members_of(self, stack: Stack) -> Stack:
        """The part of a stack that members concern; of the load balancer itself only its own `members`."""
        kept = [entry for entry in stack.resources if entry.type in self.member_types]
        keys = {entry.key for entry in kept}
        return Stack(stack.owner, tuple(self._alone(entry, keys) for entry in kept))

    def _alone(self, resource: Resource, keys: set[str]) -> Resource:
        if resource.type in self.balancer_types:
            members = {name: value for name, value in resource.properties.items() if name == "members"}
            return replace(resource, properties=members, after=())
        return replace(resource, after=tuple(key for key in resource.after if key in keys))

    def _observe(self, types: frozenset[str], owner: str) -> Observation:
        engine = replace(self.engine, types=[kind for kind in self.engine.types if kind.name in types])
        return engine.observe(self.cluster, owner)

    def _state(self, service: ServiceKey, mine: Observation) -> LoadBalancerState:
        alive = [entry for entry in mine.resources if entry.is_alive]
        if not any(entry.type in self.balancer_types for entry in alive):
            return LoadBalancerState(service, leftovers=tuple(entry.id for entry in alive))
        mark = mine.get(MARK)
        digests = mark.properties if mark is not None else {}
        return LoadBalancerState(
            service, self.status(None, mine), str(digests.get("digest", "")), str(digests.get("targets", ""))
        )


def owner_of(cluster: str, service: ServiceKey) -> Owner:
    """The owner of a Service's load balancer."""
    return Owner(cluster, service.uid, str(service) if service.name else "")


def mark(request: LoadBalancerRequest, resources: Sequence[Resource], **properties: object) -> Resource:
    """The stack's last resource: what was asked for, noted once everything else is in place."""
    digests = {"digest": request.digest, "targets": request.targets_digest}
    return Resource(MARK, MARK, {**properties, **digests}, tuple(resource.key for resource in resources))


def _named(uid: str, mine: Observation) -> ServiceKey:
    """The Service as its tags name it."""
    from cloudk8s.cloud.stack.resource import OWNER_NAME_TAG

    names = (entry.tags.get(OWNER_NAME_TAG, "") for entry in mine.resources)
    _, _, path = next((name for name in names if name), "").partition(" ")
    namespace, _, name = path.partition("/")
    return ServiceKey(uid, namespace, name)
