"""Keep the policy table in step with policies, pods and namespaces.

Events only note which policies and pods of this node may look different now; what they need is computed from state.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from cloudk8s.client.backoff import Backoff
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, labels_of, name_of
from cloudk8s.client.resources import NAMESPACES, NETWORK_POLICIES, PODS
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.hosts.thread import HostThread
from cloudk8s.network.nftables.command import Nft
from cloudk8s.network.nftables.parts import Parts
from cloudk8s.network.nftables.table import Table
from cloudk8s.network.policy import layout
from cloudk8s.network.policy.model import Pod, Policy, read_pod, read_policy
from cloudk8s.network.policy.parts import pod_parts, policy_parts
from cloudk8s.network.proxy.model import Family
from cloudk8s.network.proxy.nftables.layout import word

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """Where policies are enforced."""

    nodes: frozenset[str]
    """Names of the nodes whose pods are here."""
    table: str = "cloudk8s-policy"
    families: tuple[Family, ...] = ("IPv4",)
    namespace: str = ""
    """The network namespace to enforce them in; empty is this process's own."""


class Owner(NamedTuple):
    """Whose parts they are."""

    kind: str
    key: str


class PolicyEnforcer:
    """`run` it inside the informers it was given. The table is gone when it ends."""

    def __init__(self, informers: Informers, nft: Nft, settings: PolicySettings, *, clock: Clock) -> None:
        self._settings, self._nft, self._clock = settings, nft, clock
        self._pods, self._namespaces = informers.of(PODS), informers.of(NAMESPACES)
        self._policies = informers.of(NETWORK_POLICIES)
        self._read: dict[str, Policy] = {}
        self._known: dict[str, Pod] = {}
        self._dirty: set[Owner] = set()
        self._is_complete = True
        self._changed = asyncio.Event()
        self._host = HostThread(settings.namespace)
        self._tables: dict[Family, Table[Owner]] = {
            family: Table(word(family), settings.table, layout.skeleton(settings.table, family))
            for family in settings.families
        }
        self.is_synced = asyncio.Event()
        """Set once everything known at the start is enforced."""

    async def run(self) -> None:
        """Enforce until cancelled."""
        stops: list[Callable[[], None]] = []
        try:
            for informer in (self._pods, self._namespaces, self._policies):
                await informer.synced()
            stops = [self._policies.add_handler(self._policy_changed), self._pods.add_handler(self._pod_changed)]
            stops.append(self._namespaces.add_handler(self._namespace_changed))
            self._changed.set()
            await self._follow()
        finally:
            for stop in stops:
                stop()
            await self._apply([line for table in self._tables.values() for line in table.destroy()])
            self._host.close()

    async def _follow(self) -> None:
        backoff = Backoff(self._clock, first=0.2)
        while True:
            await self._changed.wait()
            self._changed.clear()
            dirty, self._dirty = self._dirty, set()
            try:
                await self._apply(self._lines(dirty))
            except Exception:  # noqa: BLE001 - whatever went wrong, everything is applied again after a pause
                _log.exception("network policies could not be applied, everything is applied again")
                self._is_complete = True
                self._changed.set()
                await self._clock.sleep(backoff.next())
            else:
                self.is_synced.set()

    def _lines(self, dirty: Iterable[Owner]) -> list[str]:
        is_complete, self._is_complete = self._is_complete, False
        owners = self._all() if is_complete else dirty
        lines: list[str] = []
        for family, table in self._tables.items():
            parts = {owner: self._parts(owner, family) for owner in owners}
            wanted = {owner: entry for owner, entry in parts.items() if not entry.is_empty}
            removed = [owner for owner in parts if owner not in wanted]
            lines += table.rebuild(wanted) if is_complete else table.change(wanted, removed)
        return lines

    def _all(self) -> list[Owner]:
        pods = (key for key, pod in self._known.items() if pod.node in self._settings.nodes)
        return [*(Owner("policy", key) for key in self._read), *(Owner("pod", key) for key in pods)]

    def _here(self) -> Iterable[Pod]:
        return (pod for pod in self._known.values() if pod.node in self._settings.nodes)

    def _parts(self, owner: Owner, family: Family) -> Parts:
        if owner.kind == "policy":
            policy = self._read.get(owner.key)
            if policy is None or not any(policy.selects(pod) for pod in self._here()):
                return Parts()
            return policy_parts(policy, self._known.values(), self._labels, family)
        pod = self._known.get(owner.key)
        if pod is None or pod.node not in self._settings.nodes:
            return Parts()
        return pod_parts(pod, [policy for policy in self._read.values() if policy.selects(pod)], family)

    def _policy_changed(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        before, after = self._read.pop(key, None), read_policy(new) if new else None
        if after is not None:
            self._read[key] = after
        concerned = [policy for policy in (before, after) if policy is not None]
        pods = (name for name, pod in self._known.items() if any(policy.selects(pod) for policy in concerned))
        self._mark([Owner("policy", key), *(Owner("pod", name) for name in pods)])

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        before, after = self._known.pop(key, None), read_pod(new) if new else None
        if after is not None:
            self._known[key] = after
        if before == after:
            return
        pods = [pod for pod in (before, after) if pod is not None]
        policies = (
            name
            for name, policy in self._read.items()
            if any(policy.concerns(pod, self._labels(pod.namespace)) for pod in pods)
        )
        self._mark([Owner("pod", key), *(Owner("policy", name) for name in policies)])

    def _namespace_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and labels_of(old) == labels_of(new):
            return
        found = (name for name, policy in self._read.items() if policy.looks_at_namespaces)
        self._mark([Owner("policy", name) for name in found])

    def _labels(self, namespace: str) -> Mapping[str, str]:
        found = self._namespaces.get(namespace)
        return {**labels_of(found), "kubernetes.io/metadata.name": name_of(found)} if found else {}

    def _mark(self, owners: Iterable[Owner]) -> None:
        self._dirty.update(owners)
        self._changed.set()

    async def _apply(self, lines: list[str]) -> None:
        if lines:
            text = "".join(f"{line}\n" for line in lines)
            await self._host.run(lambda: self._nft.run(text))
