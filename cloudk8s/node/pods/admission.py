"""Whether this node takes a pod: kernel, resources, node selection, ports. Pure; the order and words are upstream's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.client.node_matching import is_wanted_by, taints_of, untolerated
from cloudk8s.client.objects import labels_of, spec_of
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import sysctls
from cloudk8s.node.pods.room import lacking
from cloudk8s.node.pods.sandbox import port_mappings
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.runtimes.interface import PortMapping

_OS = "kubernetes.io/os"
_ELSEWHERE = "node(s) didn't match Pod's node affinity/selector"
_PORTS = "node(s) didn't have free ports for the requested pod ports"
_TAINTS = "node(s) had taints that the pod didn't tolerate"


@dataclass(frozen=True, slots=True)
class Host:
    """What is looked at of the node: its object, what it can give, and what its kernel and its settings allow."""

    node: Object
    allocatable: Mapping[str, str]
    has_apparmor: bool = True
    allowed_sysctls: Sequence[str] = ()


def rejection(pod: Object, others: Sequence[Object], host: Host) -> Terminal | None:
    """Why the pod cannot run here next to the `others`; None where it can, or could if others gave way."""
    if why := sysctls.forbidden(pod, host.allowed_sysctls):
        return Terminal("Failed", "SysctlForbidden", why)
    if not host.has_apparmor and _wants_apparmor(pod):
        return Terminal("Failed", "AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    if other_system := _of_other_system(pod, host.node):
        return other_system
    if not pods.is_critical(pod) and (lack := lacking(pod, others, host.allocatable)):
        return Terminal("Failed", f"OutOf{lack.resource}", str(lack))
    if not is_wanted_by(spec_of(pod), host.node):
        return _failed("NodeAffinity", _ELSEWHERE)
    if _has_port_conflict(pod, others):
        return _failed("NodePorts", _PORTS)
    tolerations = spec_of(pod).get("tolerations") or ()
    if not pods.is_static(pod) and untolerated(taints_of(host.node), tolerations, "NoExecute"):
        return _failed("TaintToleration", _TAINTS)
    return None


def _failed(predicate: str, words: str) -> Terminal:
    return Terminal("Failed", predicate, f"Predicate {predicate} failed: {words}")


def _of_other_system(pod: Object, node: Object) -> Terminal | None:
    wanted, own = (spec_of(pod).get("nodeSelector") or {}).get(_OS), labels_of(node).get(_OS, "linux")
    if wanted is not None and wanted != own:
        text = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return Terminal("Failed", "PodOSSelectorNodeLabelDoesNotMatch", text)
    if (spec_of(pod).get("os") or {}).get("name", "linux") != "linux":
        return Terminal("Failed", "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _wants_apparmor(pod: Object) -> bool:
    """Whether a profile is asked for that is more than the runtime's own choice."""
    contexts = [
        spec_of(pod).get("securityContext"),
        *(each.get("securityContext") for each in pods.all_containers(pod)),
    ]
    profiles = [(context or {}).get("appArmorProfile") or {} for context in contexts]
    return any(profile.get("type") in ("Localhost", "RuntimeDefault") for profile in profiles)


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
