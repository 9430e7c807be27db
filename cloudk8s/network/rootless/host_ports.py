"""Ports of this host that lead within: pods' `hostPort`, and whatever listens on the network of the node.

Pods enter by the informer, listening sockets by a look at the kernel's list; what shall answer leaves as listeners on
this host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, name_of, namespace_of, spec_of, status_of
from cloudk8s.client.resources import PODS
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend, Rule, RuleKey, Update
from cloudk8s.network.proxy.userspace.forwarder import UserspaceForwarder, UserspaceSettings
from cloudk8s.network.proxy.userspace.sockets import ClientSockets, Sockets
from cloudk8s.network.rootless.listening import ANYWHERE, Listening

_LOOK_SECONDS: Final = 1.0
_ENDED = ("Succeeded", "Failed")
_ANYWHERE = ("", "0.0.0.0")


@dataclass(frozen=True, slots=True)
class Here:
    """Which nodes are within, and the addresses of this host."""

    nodes: frozenset[str]
    addresses: tuple[str, ...]


class HostPorts:
    """`run` it inside the informers it was given."""

    def __init__(
        self, informers: Informers, here: Here, sockets: Sockets, look: Callable[[], frozenset[Listening]], *,
        clock: Clock, client_sockets: ClientSockets | None = None,
    ) -> None:  # fmt: skip
        self._pods, self._here, self._look, self._clock = informers.of(PODS), here, look, clock
        self._forwarder = UserspaceForwarder(
            UserspaceSettings(here.addresses), clock=clock, sockets=sockets, client_sockets=client_sockets
        )
        self._changed = asyncio.Event()
        self._declared: dict[str, tuple[Rule, ...]] = {}
        self._found: frozenset[Listening] = frozenset()
        self._rules: dict[RuleKey, Rule] = {}

    async def run(self) -> None:
        """Forward until cancelled."""
        await self._pods.synced()
        stop = self._pods.add_handler(self._pod_changed)
        looking = asyncio.create_task(self._look_again(), name="ports of pods on the host's network")
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._apply()
        finally:
            stop()
            looking.cancel()
            await self._forwarder.close()

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        key = key_of(new or old or {})
        rules = tuple(rules_of(new, self._here)) if new else ()
        if rules != self._declared.pop(key, ()):
            self._changed.set()
        if rules:
            self._declared[key] = rules

    async def _look_again(self) -> None:
        """Nobody tells that a program has begun to listen, so it is looked for."""
        while True:
            found = await asyncio.to_thread(self._look)
            if found != self._found:
                self._found = found
                self._changed.set()
            await self._clock.sleep(_LOOK_SECONDS)

    async def _apply(self) -> None:
        declared = {rule.key: rule for rules in self._declared.values() for rule in rules}
        rules = declared | {rule.key: rule for rule in undeclared(self._found, declared.values(), self._here)}
        if rules != self._rules:
            self._rules = rules
            await self._forwarder.apply(Update(rules, is_complete=True))


def rules_of(pod: Object, here: Here) -> Iterator[Rule]:
    """What a pod of these nodes asks for on this host's addresses; nothing once it has ended. Pure."""
    spec, status = spec_of(pod), status_of(pod)
    ip = status.get("podIP")
    if spec.get("nodeName") not in here.nodes or not ip or status.get("phase") in _ENDED:
        return
    containers = [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    for port in (port for container in containers for port in container.get("ports") or ()):
        where = _addresses_of(port, here.addresses)
        if port.get("hostPort") and where:
            yield _rule(pod, port, str(ip), where)


def undeclared(found: Iterable[Listening], declared: Iterable[Rule], here: Here) -> Iterator[Rule]:
    """Rules for what listens without any pod having said so. Pure."""
    known = {(rule.key.protocol, rule.port) for rule in declared}
    for protocol, address, port in sorted(found):
        if address in ANYWHERE:
            where = here.addresses
        else:
            where = tuple(each for each in here.addresses if each == address)
        if where and (protocol, port) not in known:
            key = RuleKey("", "", f"{protocol} {port} {address}", protocol, "IPv4")
            yield _door(key, port, where, Backend(where[0], port))


def _rule(pod: Object, port: Mapping[str, Any], ip: str, here: Sequence[str]) -> Rule:
    protocol, number = port.get("protocol") or "TCP", int(port["hostPort"])
    key = RuleKey(namespace_of(pod), name_of(pod), f"{protocol} {number} {port.get('hostIP') or ''}", protocol, "IPv4")
    return _door(key, number, here, Backend(ip, int(port["containerPort"])))


def _door(key: RuleKey, port: int, here: Sequence[str], target: Backend) -> Rule:
    """The way in from outside, where clients keep their addresses, as the kernel leaves them to those of root."""
    return Rule(
        key=key, cluster_ip=here[0], port=port, external_ips=tuple(here), cluster=(target,), local=(target,),
        is_external_local=True,
    )  # fmt: skip


def _addresses_of(port: Mapping[str, Any], addresses: Sequence[str]) -> Sequence[str]:
    wanted = port.get("hostIP") or ""
    return addresses if wanted in _ANYWHERE else [address for address in addresses if address == wanted]
