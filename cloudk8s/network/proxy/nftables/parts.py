"""What one rule adds to the table. Pure.

Chains are named by what they do and for whom: `cluster/shop/web/tcp/http` picks among the backends of the whole
cluster, `local/…` among those of this node, `external/…` decides what a connection from outside gets, `firewall/…` who
may come, `endpoint/…` remembers the client of a backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cloudk8s.network.nftables.parts import Element, Parts
from cloudk8s.network.proxy.model import Backend, Family, Rule
from cloudk8s.network.proxy.nftables import layout

FEW: Final = 16
"""Up to so many backends of a Service have a rule each; more are in a map.

The map is a set of its own, and every change makes nft read the names of all sets there are.
"""


def parts_of(rule: Rule, pod_ranges: Sequence[str]) -> Parts:
    """Everything the table needs for one rule; of `pod_ranges` those of its family count."""
    pod_ranges = [text for text in pod_ranges if (":" in text) == (rule.key.family == "IPv6")]
    chains: dict[str, tuple[str, ...]] = {}
    clients: dict[str, str] = {}
    needs_cluster = not rule.is_internal_local or rule.is_external
    needs_local = rule.is_internal_local or (rule.is_external_local and rule.is_external)
    for name, backends, is_needed in (
        ("cluster", rule.cluster, needs_cluster),
        ("local", rule.local, needs_local),
    ):
        if is_needed and backends:
            chains[_chain(name, rule)] = _pool(rule, backends)
            if rule.affinity_seconds:
                chains |= {_endpoint(rule, backend): _remember(rule, backend) for backend in backends}
                clients |= {_clients(rule, backend): _memory(rule) for backend in backends}
    if _has_external_chain(rule):
        chains[_chain("external", rule)] = _external(rule, pod_ranges)
    if _is_balanced(rule):
        chains[_chain("balanced", rule)] = _balanced(rule)
    if rule.source_ranges and rule.load_balancer_ips:
        chains[_chain("firewall", rule)] = _firewall(rule)
    return Parts(chains, clients, _elements(rule))


def parts_of_ranges(ranges: Sequence[str], family: Family) -> Parts:
    """What the table needs to know the ranges of Services; those of its family count."""
    own = [text for text in ranges if (":" in text) == (family == "IPv6")]
    return Parts(elements={Element(layout.SERVICE_RANGES, text): "" for text in own})


def _has_external_chain(rule: Rule) -> bool:
    return rule.is_external and bool(rule.cluster or rule.external)


def _is_balanced(rule: Rule) -> bool:
    """Whether load balancers lead elsewhere than node ports do."""
    return rule.balances and rule.is_external_local and bool(rule.load_balancer_ips and rule.cluster)


def _balanced(rule: Rule) -> tuple[str, ...]:
    """All backends, and the client's address as it is; answers to it come back by this host, the gateway of nodes."""
    return (f"fib saddr type local jump {layout.MARK}", f"goto {_chain('cluster', rule)}")


def _pool(rule: Rule, backends: Sequence[Backend]) -> tuple[str, ...]:
    """Pick a backend; clients that are remembered go where they were."""
    ip = layout.word(rule.key.family)
    if not rule.affinity_seconds:
        return _any_of([_dnat(rule, item) for item in backends]) if len(backends) <= FEW else _mapped(rule, backends)
    known = (f"{ip} saddr @{_clients(rule, item)} goto {_endpoint(rule, item)}" for item in backends)
    return (*known, *_any_of([f"goto {_endpoint(rule, item)}" for item in backends]))


def _any_of(actions: Sequence[str]) -> tuple[str, ...]:
    """Rules of which each takes its share of what those before it left."""
    left = range(len(actions), 0, -1)
    return tuple(
        f"numgen random mod {count} 0 {action}" if count > 1 else action
        for count, action in zip(left, actions, strict=True)
    )


def _mapped(rule: Rule, backends: Sequence[Backend]) -> tuple[str, ...]:
    targets = ", ".join(f"{number} : {item.address} . {item.port}" for number, item in enumerate(backends))
    return (f"meta l4proto {_protocol(rule)} dnat to numgen random mod {len(backends)} map {{ {targets} }}",)


def _remember(rule: Rule, backend: Backend) -> tuple[str, ...]:
    return (f"update @{_clients(rule, backend)} {{ {layout.word(rule.key.family)} saddr }}", _dnat(rule, backend))


def _dnat(rule: Rule, backend: Backend) -> str:
    address = f"[{backend.address}]" if rule.key.family == "IPv6" else backend.address
    return f"meta l4proto {_protocol(rule)} dnat to {address}:{backend.port}"


def _external(rule: Rule, pod_ranges: Sequence[str]) -> tuple[str, ...]:
    """Policy `Cluster` hides the client, so that answers come back this way; `Local` keeps it.

    Traffic from inside that only looks as if it came from outside gets any backend, whatever the policy.
    """
    if not rule.is_external_local:
        return (f"jump {layout.MARK}", f"goto {_chain('cluster', rule)}")
    lines = []
    if rule.cluster:
        if pod_ranges:
            ip = layout.word(rule.key.family)
            lines += [f"{ip} saddr {text} goto {_chain('cluster', rule)}" for text in pod_ranges]
        lines += [
            f"fib saddr type local jump {layout.MARK}",
            f"fib saddr type local goto {_chain('cluster', rule)}",
        ]
    return (*lines, *([f"goto {_chain('local', rule)}"] if rule.local else ()))


def _firewall(rule: Rule) -> tuple[str, ...]:
    ip = layout.word(rule.key.family)
    return (*(f"{ip} saddr {text} return" for text in rule.source_ranges), "drop")


def _elements(rule: Rule) -> dict[Element, str]:
    protocol, found = _protocol(rule), {Element(layout.CLUSTER_IPS, rule.cluster_ip): ""}
    found |= {Element(layout.HAIRPINS, f"{item.address} . {item.address}"): "" for item in (*rule.cluster, *rule.local)}
    internal = _chain("local" if rule.is_internal_local else "cluster", rule)
    own = f"{rule.cluster_ip} . {protocol} . {rule.port}"
    if rule.internal:
        found[Element(layout.SERVICES, own)] = f"goto {internal}"
    else:
        found[Element(layout.REFUSED, own)] = _refusal(rule)
    balanced = {f"{address} . {protocol} . {rule.port}" for address in rule.load_balancer_ips if _is_balanced(rule)}
    found |= {Element(layout.SERVICES, key): f"goto {_chain('balanced', rule)}" for key in balanced}
    keys = [f"{address} . {protocol} . {rule.port}" for address in (*rule.external_ips, *rule.load_balancer_ips)]
    keys = [key for key in keys if key not in balanced]
    pairs = [(layout.SERVICES, layout.REFUSED, key) for key in keys]
    if rule.node_port:
        pairs.append((layout.NODE_PORTS, layout.REFUSED_NODE_PORTS, f"{protocol} . {rule.node_port}"))
    for taken, refused, key in pairs:
        if _has_external_chain(rule):
            found[Element(taken, key)] = f"goto {_chain('external', rule)}"
        if not rule.external:
            found[Element(refused, key)] = _refusal(rule)
    if rule.source_ranges:
        for address in rule.load_balancer_ips:
            found[Element(layout.FIREWALL, f"{address} . {protocol} . {rule.port}")] = (
                f"goto {_chain('firewall', rule)}"
            )
    return found


def _refusal(rule: Rule) -> str:
    return "drop" if rule.has_any else f"goto {layout.REJECT}"


def _chain(kind: str, rule: Rule) -> str:
    return f"{kind}/{rule.key}"


def _endpoint(rule: Rule, backend: Backend) -> str:
    return f"endpoint/{rule.key}/{backend.address.replace(':', '.')}/{backend.port}"


def _clients(rule: Rule, backend: Backend) -> str:
    """The name holds the time, for a set's time cannot be changed."""
    address = backend.address.replace(":", ".")
    return f"clients-{rule.affinity_seconds}/{rule.key}/{address}/{backend.port}"


def _memory(rule: Rule) -> str:
    """How a set of clients is declared."""
    address = "ipv4_addr" if rule.key.family == "IPv4" else "ipv6_addr"
    return f"type {address}; flags dynamic,timeout; timeout {rule.affinity_seconds}s;"


def _protocol(rule: Rule) -> str:
    return rule.key.protocol.lower()
