"""Whether this node takes a pod: ports, resources, node selection. Pure; the order and words are upstream's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import ZERO, Quantity
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.sandbox import port_mappings
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.runtimes.interface import PortMapping

_SAFE_SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
})  # fmt: skip
_COUNTED = ("cpu", "memory", "ephemeral-storage")


def rejection(
    pod: Object, others: Sequence[Object], *, allocatable: Mapping[str, str], labels: Mapping[str, str],
    has_apparmor: bool = True,
) -> Terminal | None:  # fmt: skip
    """Why the pod cannot run here next to the `others`; None where it can."""
    sysctls = (spec_of(pod).get("securityContext") or {}).get("sysctls") or ()
    for sysctl in sysctls:
        if sysctl["name"].replace("/", ".") not in _SAFE_SYSCTLS:
            return Terminal("Failed", "SysctlForbidden", f'forbidden sysctl: "{sysctl["name"]}" not allowlisted')
    if not has_apparmor and _wants_apparmor(pod):
        text = "Cannot enforce AppArmor: AppArmor is not enabled on the host"
        return Terminal("Failed", "AppArmor", text)
    if not pods.is_critical(pod) and (lack := _lacking(pod, others, allocatable)):
        return lack
    if not _matches_selector(pod, labels):
        text = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
        return Terminal("Failed", "NodeAffinity", text)
    if _has_port_conflict(pod, others):
        text = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
        return Terminal("Failed", "NodePorts", text)
    return None


def _wants_apparmor(pod: Object) -> bool:
    """Whether a profile is asked for that is more than the runtime's own choice."""
    contexts = [
        spec_of(pod).get("securityContext"),
        *(each.get("securityContext") for each in pods.all_containers(pod)),
    ]
    profiles = [(context or {}).get("appArmorProfile") or {} for context in contexts]
    return any(profile.get("type") in ("Localhost", "RuntimeDefault") for profile in profiles)


def requests(pod: Object) -> dict[str, Quantity]:
    """What a pod asks for: its containers together, or its hungriest init container with the sidecars before it."""
    total: dict[str, Quantity] = {}
    for container in pods.containers(pod):
        total = _add(total, _of(container))
    sidecars: dict[str, Quantity] = {}
    peak: dict[str, Quantity] = {}
    for container in pods.init_containers(pod):
        if pods.is_sidecar(container):
            sidecars = _add(sidecars, _of(container))
            peak = _largest(peak, sidecars)
        else:
            peak = _largest(peak, _add(sidecars, _of(container)))
    whole = _largest(_add(total, sidecars), peak)
    level = {
        name: quantity.parse(value)
        for name, value in ((spec_of(pod).get("resources") or {}).get("requests") or {}).items()
    }
    overhead = {name: quantity.parse(value) for name, value in (spec_of(pod).get("overhead") or {}).items()}
    return _add({**whole, **level}, overhead)


def _lacking(pod: Object, others: Sequence[Object], allocatable: Mapping[str, str]) -> Terminal | None:
    room = int(quantity.parse(allocatable.get("pods", "110")).value)
    if len(others) + 1 > room:
        return _out_of("pods", 1, len(others), room)
    wanted = requests(pod)
    used: dict[str, Quantity] = {}
    for other in others:
        used = _add(used, requests(other))
    for name, amount in wanted.items():
        capacity = quantity.parse(allocatable.get(name, "0"))
        known = name in allocatable or name in _COUNTED
        if known and amount and amount + used.get(name, ZERO) > capacity:
            numbers = [_number(name, each) for each in (amount, used.get(name, ZERO), capacity)]
            return _out_of(name, *numbers)
    return None


def _out_of(name: str, requested: int, used: int, capacity: int) -> Terminal:
    text = f"Node didn't have enough resource: {name}, requested: {requested}, used: {used}, capacity: {capacity}"
    return Terminal("Failed", f"OutOf{name}", text)


def _number(name: str, amount: Quantity) -> int:
    return amount.milli_value if name == "cpu" else amount.value


def _matches_selector(pod: Object, labels: Mapping[str, str]) -> bool:
    selector = spec_of(pod).get("nodeSelector") or {}
    return all(labels.get(key) == value for key, value in selector.items())


def _has_port_conflict(pod: Object, others: Iterable[Object]) -> bool:
    taken = [mapping for other in others for mapping in _host_ports(other)]
    return any(_conflicts(mine, theirs) for mine in _host_ports(pod) for theirs in taken)


def _host_ports(pod: Object) -> Sequence[PortMapping]:
    if not pods.is_host_network(pod):
        return port_mappings(pod)
    return [
        PortMapping(
            int(port["containerPort"]), int(port["hostPort"]), port.get("protocol") or "TCP", port.get("hostIP") or ""
        )
        for container in pods.containers(pod)
        for port in container.get("ports") or ()
        if port.get("hostPort")
    ]


def _conflicts(mine: PortMapping, theirs: PortMapping) -> bool:
    if (mine.host_port, mine.protocol) != (theirs.host_port, theirs.protocol):
        return False
    anywhere = ("", "0.0.0.0", "::")
    return mine.host_ip in anywhere or theirs.host_ip in anywhere or mine.host_ip == theirs.host_ip


def _of(container: pods.Container) -> dict[str, Quantity]:
    amounts = (container.get("resources") or {}).get("requests") or {}
    return {name: quantity.parse(value) for name, value in amounts.items()}


def _add(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {name: left.get(name, ZERO) + right.get(name, ZERO) for name in {**left, **right}}


def _largest(left: Mapping[str, Quantity], right: Mapping[str, Quantity]) -> dict[str, Quantity]:
    return {name: max(left.get(name, ZERO), right.get(name, ZERO)) for name in {**left, **right}}
