"""What a policy, and a pod that policies select, need in the table. Pure.

A policy has a chain for each direction, which accepts what a rule admits, and a set of addresses for each rule's peers.
A selected pod has a chain that asks its policies one after the other and then drops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from cloudk8s.network.nftables.parts import Element, Parts
from cloudk8s.network.policy import addresses, layout
from cloudk8s.network.policy.model import Pod, Policy, Port, Rule
from cloudk8s.network.proxy.model import Family
from cloudk8s.network.proxy.nftables.layout import word

Direction = Literal["in", "out"]
Labels = Callable[[str], Mapping[str, str]]
"""The labels of a namespace, by its name."""


def policy_parts(policy: Policy, pods: Iterable[Pod], labels: Labels, family: Family) -> Parts:
    """A policy's chains and sets, given all pods of the cluster."""
    chains: dict[str, tuple[str, ...]] = {}
    sets: dict[str, str] = {}
    elements: dict[Element, str] = {}
    known = list(pods)
    directions: list[tuple[Direction, tuple[Rule, ...] | None]] = [("in", policy.ingress), ("out", policy.egress)]
    for direction, rules in directions:
        lines: list[str] = []
        for index, rule in enumerate(rules or ()):
            named = _Named(policy, direction, index, family)
            lines += named.lines(rule)
            sets |= named.sets(rule)
            elements |= named.elements(rule, known, labels)
        if rules is not None:
            chains[chain_of(policy, direction)] = tuple(lines)
    return Parts(chains, sets, elements)


def pod_parts(pod: Pod, policies: Sequence[Policy], family: Family) -> Parts:
    """The chains of a pod of this node, and the entries that lead there; nothing in a direction without policies."""
    ips = [ip for ip in pod.ips if (":" in ip) == (family == "IPv6")]
    chains: dict[str, tuple[str, ...]] = {}
    elements: dict[Element, str] = {}
    for direction, container in (("in", layout.INGRESS), ("out", layout.EGRESS)):
        isolating = [policy for policy in policies if _rules(policy, direction) is not None]
        if not isolating or not ips:
            continue
        name = f"pod-{direction}/{pod.uid}"
        itself = tuple(f"{word(family)} saddr {ip} {word(family)} daddr {ip} accept" for ip in ips)
        asked = tuple(f"jump {chain_of(policy, direction)}" for policy in sorted(isolating, key=lambda item: item.uid))
        chains[name] = (*itself, *asked, "drop")
        elements |= {Element(container, ip): f"goto {name}" for ip in ips}
    return Parts(chains, {}, elements)


def chain_of(policy: Policy, direction: str) -> str:
    """Names hold the UID: those of objects may be longer than a chain's can be."""
    return f"policy-{direction}/{policy.uid}"


def _rules(policy: Policy, direction: str) -> tuple[Rule, ...] | None:
    return policy.ingress if direction == "in" else policy.egress


class _Named:
    """One rule of a policy under the names it has in the table."""

    def __init__(self, policy: Policy, direction: Direction, index: int, family: Family) -> None:
        self._policy, self._direction, self._family = policy, direction, family
        self._peers = f"peers-{direction}/{policy.uid}/{index}"
        self._ports = f"ports-{direction}/{policy.uid}/{index}"

    def lines(self, rule: Rule) -> list[str]:
        ip, side = word(self._family), "saddr" if self._direction == "in" else "daddr"
        peers = "" if rule.peers is None else f"{ip} {side} @{self._peers} "
        if rule.ports is None:
            return [f"{peers}accept"]
        lines = [f"{peers}{match} accept" for match in _numbered(rule.ports)]
        if any(port.name for port in rule.ports):
            lines.append(f"{peers}{ip} daddr . meta l4proto . th dport @{self._ports} accept")
        return lines

    def sets(self, rule: Rule) -> dict[str, str]:
        address = "ipv4_addr" if self._family == "IPv4" else "ipv6_addr"
        found = {} if rule.peers is None else {self._peers: f"type {address}; flags interval;"}
        if any(port.name for port in rule.ports or ()):
            found[self._ports] = f"type {address} . inet_proto . inet_service;"
        return found

    def elements(self, rule: Rule, pods: Sequence[Pod], labels: Labels) -> dict[Element, str]:
        peers = [pod for pod in pods if self._admits(rule, pod, labels)]
        found: dict[Element, str] = {}
        if rule.peers is not None:
            texts = [ip for pod in peers for ip in pod.ips]
            texts += [
                part for peer in rule.peers if peer.block for part in addresses.without(peer.block, peer.exceptions)
            ]
            found |= {Element(self._peers, block): "" for block in addresses.blocks(texts, self._family)}
        targets = [pod for pod in pods if self._policy.selects(pod)] if self._direction == "in" else peers
        wanted = {(port.name, port.protocol) for port in rule.ports or () if port.name}
        for pod in targets:
            for name, protocol, number in pod.ports:
                if (name, protocol) in wanted:
                    found |= {
                        Element(self._ports, f"{ip} . {protocol.lower()} . {number}"): "" for ip in self._own(pod)
                    }
        return found

    def _admits(self, rule: Rule, pod: Pod, labels: Labels) -> bool:
        if rule.peers is None:
            return True
        return any(peer.admits(pod, self._policy.namespace, labels(pod.namespace)) for peer in rule.peers)

    def _own(self, pod: Pod) -> list[str]:
        return [ip for ip in pod.ips if (":" in ip) == (self._family == "IPv6")]


def _numbered(ports: Sequence[Port]) -> list[str]:
    """Matches for ports with numbers, and for whole protocols."""
    matches = []
    for protocol in sorted({port.protocol for port in ports}):
        mine = [port for port in ports if port.protocol == protocol and not port.name]
        if any(not port.first for port in mine):
            matches.append(f"meta l4proto {protocol.lower()}")
        elif mine:
            ranges = _joined(sorted((port.first, port.last) for port in mine))
            texts = ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
            matches.append(f"meta l4proto {protocol.lower()} th dport {{ {texts} }}")
    return matches


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges in order, joined where they overlap."""
    found: list[tuple[int, int]] = []
    for first, last in ranges:
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found
