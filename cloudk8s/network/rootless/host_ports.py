"""Ports of this host that lead to pods within: `hostPort`, and the declared ports of pods on the host's network.

Pods enter by the informer; what they ask for leaves as listeners on this host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, status_of
from cloudk8s.client.resources import PODS
from cloudk8s.machinery.clock import Clock
from cloudk8s.network.proxy.model import Backend, Rule, RuleKey, Update
from cloudk8s.network.proxy.userspace.forwarder import UserspaceForwarder, UserspaceSettings
from cloudk8s.network.proxy.userspace.sockets import Sockets

_ENDED = ("Succeeded", "Failed")
_ANYWHERE = ("", "0.0.0.0")


class HostPorts:
    """`run` it inside the informers it was given."""

    def __init__(
        self, informers: Informers, nodes: Iterable[str], addresses: Sequence[str], sockets: Sockets, *, clock: Clock
    ) -> None:  # fmt: skip
        self._pods, self._nodes, self._addresses = informers.of(PODS), frozenset(nodes), tuple(addresses)
        self._forwarder = UserspaceForwarder(UserspaceSettings(()), clock=clock, sockets=sockets)
        self._changed = asyncio.Event()
        self._rules: dict[RuleKey, Rule] = {}

    async def run(self) -> None:
        """Forward until cancelled."""
        await self._pods.synced()
        stop = self._pods.add_handler(lambda old, new: self._changed.set())
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._apply()
        finally:
            stop()
            await self._forwarder.close()

    async def _apply(self) -> None:
        rules = {rule.key: rule for pod in self._pods.list() for rule in rules_of(pod, self._nodes, self._addresses)}
        if rules != self._rules:
            self._rules = rules
            await self._forwarder.apply(Update(rules, is_complete=True))


def rules_of(pod: Object, nodes: frozenset[str], addresses: Sequence[str]) -> Iterator[Rule]:
    """What a pod of these nodes asks for on this host's addresses; nothing once it has ended. Pure."""
    spec, status = spec_of(pod), status_of(pod)
    ip = status.get("podIP")
    if spec.get("nodeName") not in nodes or not ip or status.get("phase") in _ENDED:
        return
    containers = [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    for port in (port for container in containers for port in container.get("ports") or ()):
        here = _addresses_of(port, addresses)
        if port.get("hostPort") and here:
            yield _rule(pod, port, str(ip), here)


def _rule(pod: Object, port: Mapping[str, Any], ip: str, here: Sequence[str]) -> Rule:
    protocol, number = port.get("protocol") or "TCP", int(port["hostPort"])
    key = RuleKey(namespace_of(pod), name_of(pod), f"{protocol} {number} {port.get('hostIP') or ''}", protocol, "IPv4")
    target = (Backend(ip, int(port["containerPort"])),)
    return Rule(key=key, cluster_ip=here[0], port=number, external_ips=tuple(here[1:]), cluster=target)


def _addresses_of(port: Mapping[str, Any], addresses: Sequence[str]) -> Sequence[str]:
    wanted = port.get("hostIP") or ""
    return addresses if wanted in _ANYWHERE else [address for address in addresses if address == wanted]
