"""How many pods there should be, by the controllers of those that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import controller_of, key_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.client.resources import DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.kinds import Kinds
from cloudk8s.errors import CloudK8sError, NotFound
from cloudk8s.machinery.int_or_string import scaled_value

Reference = Mapping[str, Any]


class CannotExpect(CloudK8sError):
    """A pod's controller does not say how many pods it wants."""


@dataclass(frozen=True, slots=True)
class Expected:
    """How many pods there should be, how many of them healthy, and which pods nobody wants in any number."""

    pods: int
    healthy: int
    unmanaged: Sequence[str] = ()


@dataclass(slots=True)
class _Tally:
    sizes: dict[str, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    unmanaged: list[str] = field(default_factory=list)


class ExpectedPods:
    """Reads the sizes of controllers from caches, and of kinds that are not built in from their scale."""

    def __init__(self, context: ControllerContext) -> None:
        self._client: Client = context.client
        self._kinds = Kinds(context.client, clock=context.clock)
        informers = context.informers
        self._deployments = informers.of(DEPLOYMENTS)
        self._replica_sets = informers.of(REPLICA_SETS)
        self._informers: Mapping[str, Informer] = {
            REPLICA_SETS.kind: self._replica_sets,
            REPLICATION_CONTROLLERS.kind: informers.of(REPLICATION_CONTROLLERS),
            STATEFUL_SETS.kind: informers.of(STATEFUL_SETS),
        }

    async def of(self, budget: Object, pods: Sequence[Object]) -> Expected:
        """What a budget expects. Raises CannotExpect, StatusError and IntOrStringError."""
        spec = spec_of(budget)
        if (most := spec.get("maxUnavailable")) is not None:
            total, unmanaged = await self._total(pods)
            return Expected(total, max(0, total - scaled_value(most, total, round_up=True)), unmanaged)
        least = spec.get("minAvailable")
        if isinstance(least, str):
            total, unmanaged = await self._total(pods)
            return Expected(total, scaled_value(least, total, round_up=True), unmanaged)
        return Expected(len(pods), int(least or 0))

    async def _total(self, pods: Sequence[Object]) -> tuple[int, Sequence[str]]:
        tally = _Tally()
        for pod in pods:
            reference = controller_of(pod)
            if reference is None:
                tally.unmanaged.append(name_of(pod))
            elif reference["uid"] not in tally.seen:
                tally.seen.add(reference["uid"])
                await self._count(tally, pod, reference)
        return sum(tally.sizes.values()), tally.unmanaged

    async def _count(self, tally: _Tally, pod: Object, reference: Reference) -> None:
        group = reference["apiVersion"].rpartition("/")[0]
        if group in ("", "apps") and reference["kind"] in self._informers:
            owner = self._informers[reference["kind"]].get(reference["name"], namespace_of(pod))
            if owner is None or uid_of(owner) != reference["uid"]:
                return
            owner = self._deployment_of(owner) or owner
            tally.sizes[uid_of(owner)] = _size(owner)
            return
        tally.sizes[reference["uid"]] = await self._scale(pod, reference)

    def _deployment_of(self, owner: Object) -> Object | None:
        """A ReplicaSet's size changes during a rollout, its Deployment's does not."""
        reference = controller_of(owner)
        if reference is None or reference["kind"] != DEPLOYMENTS.kind:
            return None
        found = self._deployments.get(reference["name"], namespace_of(owner))
        return found if found is not None and uid_of(found) == reference["uid"] else None

    async def _scale(self, pod: Object, reference: Reference) -> int:
        resource = await self._kinds.find(reference["apiVersion"], reference["kind"])
        if resource is None:
            raise CannotExpect(f'found no controllers for pod "{key_of(pod)}"')
        try:
            scale = await self._client.get(
                resource, reference["name"], namespace=namespace_of(pod), subresource="scale"
            )
        except NotFound:
            group = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
            raise CannotExpect(f"{group} does not implement the scale subresource") from None
        return int(spec_of(scale).get("replicas") or 0)


def _size(owner: Object) -> int:
    replicas = spec_of(owner).get("replicas")
    return 1 if replicas is None else int(replicas)
