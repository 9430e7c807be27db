"""What stages know of the world around an object: whose it is, the time, nodes and addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, uid_of
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time
from cloudk8s_simulated.stages.template.functions import FUNCTIONS

_CONDITIONS: Final[Sequence[Mapping[str, str]]] = (
    {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"},
    {"type": "MemoryPressure", "status": "False", "reason": "KubeletHasSufficientMemory",
     "message": "kubelet has sufficient memory available"},
    {"type": "DiskPressure", "status": "False", "reason": "KubeletHasNoDiskPressure",
     "message": "kubelet has no disk pressure"},
    {"type": "NetworkUnavailable", "status": "False", "reason": "RouteCreated",
     "message": "RouteController created a route"},
    {"type": "PIDPressure", "status": "False", "reason": "KubeletHasSufficientPID",
     "message": "kubelet has sufficient PID available"},
)  # fmt: skip
"""Of a healthy node, as templates get them."""


BY_NODE: Final = "simulated: by node"
"""Index of pods."""


def node_of(pod: Object) -> Sequence[str]:
    """The node that a pod is bound to, as an index wants it."""
    name = pod["spec"].get("nodeName")
    return (name,) if name else ()


class Addresses(Protocol):
    """Where nodes and pods are; the same answer for the same question."""

    def of_node(self, name: str) -> str:
        """The address of a node, also of one that is not simulated."""

    def of_pod(self, uid: str) -> str:
        """The address of a pod that has its own."""


class World(Protocol):
    """What a player has to know."""

    def is_ours(self, obj: Object) -> bool:
        """Whether the object is simulated, and nothing holds it still."""

    def functions(self, obj: Object) -> Mapping[str, Callable[..., Any]]:
        """The functions of templates about this object."""


class FleetWorld:
    """The world of a fleet: its nodes as long as they are up, pods on these, and objects of all other kinds."""

    def __init__(self, is_up: Callable[[str], bool], addresses: Addresses, version: str, *, clock: Clock) -> None:
        self._is_up, self._addresses, self._version, self._clock = is_up, addresses, version, clock
        self._started = format_time(clock.now())

    def is_ours(self, obj: Object) -> bool:
        if obj.get("apiVersion") != "v1" or obj.get("kind") not in ("Node", "Pod"):
            return True
        return self._is_up(name_of(obj) if obj["kind"] == "Node" else obj["spec"].get("nodeName", ""))

    def functions(self, obj: Object) -> Mapping[str, Callable[..., Any]]:
        node = name_of(obj) if obj.get("kind") == "Node" else str((obj.get("spec") or {}).get("nodeName") or "")

        def pod_ip_with(name: str, is_host: bool = False, uid: str = "", *_: str) -> str:
            return self._addresses.of_node(name) if is_host else self._addresses.of_pod(uid or uid_of(obj))

        return {
            **FUNCTIONS,
            "Now": lambda: format_time(self._clock.now()),
            "now": lambda: format_time(self._clock.now()),
            "StartTime": lambda: self._started,
            "Version": lambda: self._version,
            "NodeConditions": lambda: list(_CONDITIONS),
            "NodeName": lambda: node,
            "NodePort": lambda: 0,
            "NodeIP": lambda: self._addresses.of_node(node),
            "NodeIPWith": lambda name="": self._addresses.of_node(str(name or "")),
            "PodIP": lambda: self._addresses.of_pod(f"{namespace_of(obj)}/{name_of(obj)}"),
            "PodIPWith": pod_ip_with,
        }
