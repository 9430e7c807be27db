"""Policies and pods as far as they concern traffic.

https://kubernetes.io/docs/concepts/services-networking/network-policies/ says what a policy means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, namespace_of, spec_of, status_of, uid_of
from cloudk8s.machinery import labels
from cloudk8s.machinery.labels import Selector

ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a rule admits: pods by their labels and those of their namespaces, or a block of addresses."""

    pods: Selector | None = None
    namespaces: Selector | None = None
    block: str = ""
    exceptions: tuple[str, ...] = ()

    def admits(self, pod: Pod, namespace: str, namespace_labels: Mapping[str, str]) -> bool:
        """Whether it means this pod, in a policy of `namespace`."""
        if self.block:
            return False
        if self.namespaces is None:
            return pod.namespace == namespace and (self.pods is None or self.pods.matches(pod.labels))
        return self.namespaces.matches(namespace_labels) and (self.pods is None or self.pods.matches(pod.labels))


@dataclass(frozen=True, slots=True)
class Port:
    """Which ports: a name, a range, or (0) all of the protocol."""

    protocol: str
    name: str = ""
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """Peers and ports that are admitted together; None is any."""

    peers: tuple[Peer, ...] | None = None
    ports: tuple[Port, ...] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One NetworkPolicy. `ingress` or `egress` of None leaves that direction alone."""

    uid: str
    namespace: str
    name: str
    pods: Selector
    ingress: tuple[Rule, ...] | None = None
    egress: tuple[Rule, ...] | None = None

    def selects(self, pod: Pod) -> bool:
        """Whether the policy is about this pod."""
        return pod.namespace == self.namespace and self.pods.matches(pod.labels)

    def concerns(self, pod: Pod, namespace_labels: Mapping[str, str]) -> bool:
        """Whether what the policy needs in the table depends on this pod."""
        rules = (*(self.ingress or ()), *(self.egress or ()))
        if self.selects(pod) or any(rule.peers is None and rule.ports for rule in self.egress or ()):
            return True
        peers = (peer for rule in rules for peer in rule.peers or ())
        return any(peer.admits(pod, self.namespace, namespace_labels) for peer in peers)

    @property
    def looks_at_namespaces(self) -> bool:
        """Whether labels of namespaces matter to it."""
        rules = (*(self.ingress or ()), *(self.egress or ()))
        return any(peer.namespaces is not None for rule in rules for peer in rule.peers or ())


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod with addresses of its own."""

    uid: str
    namespace: str
    name: str
    node: str
    labels: Mapping[str, str]
    ips: tuple[str, ...]
    ports: tuple[tuple[str, str, int], ...] = ()
    """Named container ports: name, protocol, number."""


def read_policy(obj: Object) -> Policy:
    """A NetworkPolicy as a value."""
    spec = spec_of(obj)
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return Policy(
        uid=uid_of(obj),
        namespace=namespace_of(obj),
        name=name_of(obj),
        pods=labels.from_object(spec.get("podSelector") or {}),
        ingress=tuple(_rule(rule, "from") for rule in spec.get("ingress") or ()) if "Ingress" in types else None,
        egress=tuple(_rule(rule, "to") for rule in spec.get("egress") or ()) if "Egress" in types else None,
    )


def read_pod(obj: Object) -> Pod | None:
    """A pod as a value; None for one that has no address of its own, or none any more."""
    status, spec = status_of(obj), spec_of(obj)
    ips = tuple(entry["ip"] for entry in status.get("podIPs") or () if entry.get("ip"))
    if not ips or spec.get("hostNetwork") or status.get("phase") in ENDED:
        return None
    if set(ips) & {entry.get("ip") for entry in status.get("hostIPs") or ()}:
        return None
    ports = tuple(
        (port["name"], port.get("protocol") or "TCP", int(port["containerPort"]))
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ()))
        for port in container.get("ports") or ()
        if port.get("name")
    )
    node = str(spec.get("nodeName") or "")
    return Pod(uid_of(obj), namespace_of(obj), name_of(obj), node, labels_of(obj), ips, ports)


def _rule(rule: Mapping[str, Any], peers: str) -> Rule:
    return Rule(
        tuple(_peer(peer) for peer in rule[peers]) if rule.get(peers) else None,
        tuple(_port(port) for port in rule["ports"]) if rule.get("ports") else None,
    )


def _peer(peer: Mapping[str, Any]) -> Peer:
    block = peer.get("ipBlock")
    if block:
        return Peer(block=block["cidr"], exceptions=tuple(block.get("except") or ()))
    pods, namespaces = peer.get("podSelector"), peer.get("namespaceSelector")
    return Peer(
        None if pods is None else labels.from_object(pods),
        None if namespaces is None else labels.from_object(namespaces),
    )


def _port(port: Mapping[str, Any]) -> Port:
    protocol, number = port.get("protocol") or "TCP", port.get("port")
    if number is None:
        return Port(protocol)
    if isinstance(number, str):
        return Port(protocol, name=number)
    return Port(protocol, first=int(number), last=int(port.get("endPort") or number))
