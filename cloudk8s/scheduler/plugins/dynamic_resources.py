"""DynamicResources: a pod goes where the devices are that its ResourceClaims ask for, and gets them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import (
    is_deleting,
    key_of,
    name_of,
    namespace_of,
    owner_references_of,
    status_of,
    uid_of,
    version_number_of,
)
from cloudk8s.client.resources import DEVICE_CLASSES, RESOURCE_CLAIMS, RESOURCE_SLICES
from cloudk8s.errors import CloudK8sError
from cloudk8s.machinery.expressions import ExpressionError
from cloudk8s.machinery.times import parse_duration
from cloudk8s.scheduler.cluster.arrays import Bools
from cloudk8s.scheduler.devices.allocation import Choice, allocate, allocation_result
from cloudk8s.scheduler.devices.device import Device, Inventory, inventory_of
from cloudk8s.scheduler.devices.preparation import is_awaited
from cloudk8s.scheduler.devices.request import ClaimRequests, ClassMissing, claim_requests
from cloudk8s.scheduler.devices.reservations import Reservations, others
from cloudk8s.scheduler.devices.usage import Usage, usage_of
from cloudk8s.scheduler.interface import ClusterEvent, Cycle, Handle, Interest, Nomination, Refusal, Rejection
from cloudk8s.scheduler.pod.node_selection import node_terms
from cloudk8s.scheduler.pod.pod import Pod

NOT_AVAILABLE: Final = "resourceclaim not available on the node"
CANNOT: Final = "cannot allocate all claims"
FREED: Final = "deallocation of ResourceClaim completed"
MOST_PODS: Final = 256
"""So many pods may share a claim."""


@dataclass(slots=True)
class _Pending:
    """An allocation that the claims we see do not show yet."""

    allocation: dict[str, Any]
    version: float = math.inf
    """That of the claim which has it; none while it is being written."""

    def is_shown_by(self, claim: Object) -> bool:
        return bool(status_of(claim).get("allocation")) or version_number_of(claim) >= self.version


@dataclass(slots=True)
class _PodDevices:
    """The claims of one pod in one attempt."""

    claims: list[Object]
    wanted: list[ClaimRequests]
    """What is still to be allocated."""
    allowed: Bools | None
    """Rows where the allocated claims can be used; None is all."""
    used: Usage | None
    is_confined: bool = False
    """Whether nodes that could take the pod otherwise were rejected for what is allocated elsewhere."""
    choices: dict[int, dict[str, Choice] | None] = field(default_factory=dict)
    """What the filter found, by slot."""


class DynamicResources:
    """Allocates from ResourceSlices. What is allocated is assumed at once and written before the pod is bound."""

    name = "DynamicResources"
    goes_by_shape = True

    def __init__(self, arguments: Mapping[str, Any], handle: Handle) -> None:
        self._handle = handle
        self._claims = handle.informers.of(RESOURCE_CLAIMS)
        self._classes = handle.informers.of(DEVICE_CLASSES)
        self._slices = handle.informers.of(RESOURCE_SLICES)
        patience = parse_duration(str(arguments.get("bindingTimeout") or "10m"))
        self._reservations = Reservations(handle.client, self._claims, handle.clock, patience)
        self._inventory: Inventory | None = None
        """None while slices have to be read anew."""
        self._devices: dict[str, list[Device]] = {}
        """By node, those of no particular one under the empty name."""
        self._pending: dict[str, _Pending] = handle.shared["allocations"]
        """By the claim's UID. Also what is written counts until it is seen, or others would get the same devices."""
        self._slices.add_handler(self._on_slice)
        self._claims.add_handler(self._on_claim)

    def pre_enqueue(self, pod: Pod) -> Refusal | None:
        found = self._pod_claims(pod) if pod.shape.claims else ()
        return Refusal(found, is_resolvable=False) if isinstance(found, str) else None

    def pre_filter(self, cycle: Cycle) -> Refusal | None:
        pod = cycle.pod
        if not pod.shape.claims:
            return None
        claims = self._pod_claims(pod)
        if isinstance(claims, str):
            return Refusal(claims, is_resolvable=False)
        wanted: list[ClaimRequests] = []
        allowed: Bools | None = None
        for claim in claims:
            allocation = status_of(claim).get("allocation")
            if allocation is None:
                if uid_of(claim) in self._pending:
                    return Refusal(f"resource claim {key_of(claim)} is in the process of being allocated")
                try:
                    wanted.append(claim_requests(claim, self._classes.get))
                except (ClassMissing, ExpressionError) as error:
                    return Refusal(str(error), is_resolvable=False)
                continue
            if not _is_free_for(claim, pod):
                return Refusal("resourceclaim in use", is_resolvable=False)
            if (selector := allocation.get("nodeSelector")) is not None:
                rows = cycle.cluster.selector.any_of(node_terms(selector))
                allowed = rows if allowed is None else allowed & rows
        cycle.state[self.name] = _PodDevices(claims, wanted, allowed, self._usage() if wanted else None)
        return None

    def filter(self, cycle: Cycle, rows: slice) -> Bools | None:
        pod: _PodDevices | None = cycle.state.get(self.name)
        if pod is None:
            return None
        nodes = cycle.cluster.nodes
        passed = nodes.exists[rows].copy() if pod.allowed is None else pod.allowed[rows].copy()
        if pod.used is not None:
            for slot in range(rows.start, rows.stop):
                at = slot - rows.start
                if passed[at] and (cycle.alive is None or cycle.alive[at]):
                    pod.choices[slot] = allocate(pod.wanted, self._on_node(cycle, slot), pod.used)
                    passed[at] = pod.choices[slot] is not None
        return passed

    def depends_on_pods(self, cycle: Cycle) -> bool:
        return bool(cycle.pod.shape.claims)

    def explain(self, cycle: Cycle, rejected: Bools) -> Iterable[Rejection]:
        pod: _PodDevices = cycle.state[self.name]
        if pod.allowed is not None:
            elsewhere = rejected & ~pod.allowed
            pod.is_confined = bool(elsewhere.any())
            yield Rejection(NOT_AVAILABLE, elsewhere)
            rejected = rejected & pod.allowed
        yield Rejection(CANNOT, rejected)

    def post_filter(self, cycle: Cycle, resolvable: Bools) -> Nomination | None:
        """Free devices that keep the pod from other nodes, one claim at a time, unless others have reserved them."""
        pod: _PodDevices | None = cycle.state.get(self.name)
        for claim in pod.claims if pod is not None and pod.is_confined else ():
            if (status_of(claim).get("allocation") or {}).get("nodeSelector") and not others(claim, cycle.pod):
                self._handle.spawn(self._free(claim, cycle.pod), f"free devices of {key_of(claim)}")
                return Nomination(None, FREED)
        return None

    async def _free(self, claim: Object, pod: Pod) -> None:
        try:
            await self._reservations.give_up(claim, pod)
        except (CloudK8sError, OSError) as error:
            self._handle.reporter.failed(pod, f"resource claim {key_of(claim)}: devices were not freed: {error}")
            self._handle.revive(pod.key)

    def reserve(self, cycle: Cycle, node: str) -> Refusal | None:
        pod: _PodDevices | None = cycle.state.get(self.name)
        if pod is None:
            return None
        slot = cycle.cluster.nodes.slot(node)
        choice = pod.choices.get(slot) if slot is not None and pod.wanted else {}
        if choice is None:
            return Refusal(CANNOT)
        planned = {}
        for item in pod.wanted:
            uid = uid_of(item.claim)
            names = {pick.request.class_name for pick in choice[uid]}
            classes = {name: found for name in names if (found := self._classes.get(name)) is not None}
            planned[uid] = allocation_result(item.claim, choice[uid], classes, node)
        self._pending |= {uid: _Pending(allocation) for uid, allocation in planned.items()}
        cycle.state["claims planned"] = planned
        return None

    def unreserve(self, cycle: Cycle, node: str) -> None:
        for uid in cycle.state.get("claims planned") or ():
            self._pending.pop(uid, None)

    async def pre_bind(self, cycle: Cycle, node: str) -> Refusal | None:
        """Write allocations and reservations, and wait for devices that are made ready. Raises ClaimTaken and
        DevicesNotReady."""
        if self.name not in cycle.state:
            return None
        planned: dict[str, Any] = cycle.state["claims planned"]
        awaited = []
        for claim in cycle.state[self.name].claims:
            allocation = planned.get(uid_of(claim))
            written = await self._reservations.reserve(claim, cycle.pod, allocation)
            planned.pop(uid_of(claim), None)
            if (pending := self._pending.get(uid_of(claim))) is not None:
                pending.version = version_number_of(written)
            if is_awaited(allocation or status_of(claim).get("allocation")):
                awaited.append(key_of(claim))
        for key in awaited:
            await self._reservations.ready(key, cycle.pod)
        return None

    def interests(self) -> Sequence[Interest]:
        seen = frozenset(("add", "update"))
        return [
            Interest("resourceclaims", frozenset(("add", "update", "delete")), self._may_help),
            Interest("deviceclasses", seen),
            Interest("resourceslices", seen),
            Interest("nodes", seen),
            Interest("pods", frozenset(("update",))),
        ]

    def _pod_claims(self, pod: Pod) -> list[Object] | str:
        """The claims of a pod, or why they cannot be used."""
        found = []
        statuses = {
            item.get("name"): item.get("resourceClaimName")
            for item in status_of(pod.obj).get("resourceClaimStatuses") or ()
        }
        for reference in pod.spec.get("resourceClaims") or ():
            name, is_made = reference.get("resourceClaimName"), False
            if name is None:
                if reference["name"] not in statuses:
                    return f'pod "{pod.key}": ResourceClaim not created yet'
                name, is_made = statuses[reference["name"]], True
            if name is None:
                continue
            claim = self._claims.get(name, pod.namespace)
            if claim is None:
                return f'resourceclaim "{name}" not found'
            if is_deleting(claim):
                return f'resourceclaim "{name}" is being deleted'
            if is_made and pod.uid not in [owner["uid"] for owner in owner_references_of(claim)]:
                return f"ResourceClaim {key_of(claim)} was not created for pod {pod.key} (pod is not owner)"
            found.append(claim)
        return found

    def _on_node(self, cycle: Cycle, slot: int) -> list[Device]:
        """The devices that a node can use: its own, and those that other nodes can use too."""
        nodes = cycle.cluster.nodes
        name, labels = nodes.names[slot], nodes.labels.labels(slot)
        shared = [
            device
            for device in self._devices.get("", ())
            if device.terms is None or any(term.matches(name, labels) for term in device.terms)
        ]
        return [*self._devices.get(name, ()), *shared]

    def _usage(self) -> Usage:
        """What claims have of the devices there are, written or not."""
        if self._inventory is None:
            self._inventory, self._devices = inventory_of(self._slices.list()), {}
            for device in self._inventory.by_id.values():
                self._devices.setdefault(device.node, []).append(device)
        written = {uid_of(claim): status_of(claim).get("allocation") for claim in self._claims.list()}
        pending = {uid: each.allocation for uid, each in self._pending.items()}
        return usage_of(self._inventory, (written | pending).values())

    def _may_help(self, pod: Pod, event: ClusterEvent) -> bool:
        """Whether a claim of the pod came or changed, or devices were freed."""
        was = status_of(event.old).get("allocation") if event.old is not None else None
        now = status_of(event.new).get("allocation") if event.new is not None else None
        if was is not None and now is None:
            return True
        if event.new is None or namespace_of(event.new) != pod.namespace:
            return False
        names = {reference.get("resourceClaimName") for reference in pod.spec.get("resourceClaims") or ()}
        owners = [owner["uid"] for owner in owner_references_of(event.new)]
        return name_of(event.new) in names or pod.uid in owners

    def _on_claim(self, old: Object | None, new: Object | None) -> None:
        uid = uid_of(new or old or {})
        if (pending := self._pending.get(uid)) is not None and (new is None or pending.is_shown_by(new)):
            del self._pending[uid]

    def _on_slice(self, old: Object | None, new: Object | None) -> None:
        self._inventory = None


def _is_free_for(claim: Object, pod: Pod) -> bool:
    reserved = status_of(claim).get("reservedFor") or ()
    return len(reserved) < MOST_PODS or any(item.get("uid") == pod.uid for item in reserved)
