"""What every pod's worker works with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cloudk8s.client.events import EventKind, EventRecorder
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.resources import PODS
from cloudk8s.machinery.clock import Clock
from cloudk8s.node.cluster.configuration import ConfigurationCache
from cloudk8s.node.cluster.tokens import TokenManager
from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.counts import AgentCounts
from cloudk8s.node.devices.claims import ResourceClaims
from cloudk8s.node.devices.manager import DeviceManager
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.backoff import Backoff
from cloudk8s.node.pods.image_puller import ImagePuller
from cloudk8s.node.pods.user_ranges import UserRanges
from cloudk8s.node.runtimes.interface import Runtime
from cloudk8s.node.settings import NodeSettings
from cloudk8s.node.volumes.manager import VolumeManager


@dataclass(slots=True)
class NodeFacts:
    """What the node found out about itself, kept up to date by the agent."""

    host_ips: tuple[str, ...] = ()
    allocatable: Mapping[str, str] = field(default_factory=dict)
    memory_capacity: int = 0
    runtime_name: str = "cloudk8s-host"
    object: Object = field(default_factory=lambda: {"metadata": {"name": ""}})
    """The Node as the API shows it."""
    has_apparmor: bool = False
    with_recursive_readonly: tuple[str, ...] = ()
    """Handlers of the runtime that make all below a read-only volume read-only."""

    def can_recurse(self, handler: str) -> bool:
        """Whether a pod of this handler can have that."""
        return handler in self.with_recursive_readonly


@dataclass(frozen=True, slots=True)
class Tools:
    """Shared by all workers of a node."""

    settings: NodeSettings
    client: Client
    runtime: Runtime
    clock: Clock
    events: EventRecorder
    volumes: VolumeManager
    images: ImagePuller
    configuration: ConfigurationCache
    tokens: TokenManager
    node: NodeFacts
    services: Callable[[Object], Mapping[str, str]]
    """Environment variables of the services that a pod sees."""
    devices: DeviceManager
    claims: ResourceClaims
    users: UserRanges
    counts: AgentCounts = field(default_factory=AgentCounts)
    restarts: Backoff = field(default_factory=Backoff)

    def pod_event(self, pod: Object, kind: EventKind, reason: str, note: str) -> None:
        """Say something about a pod."""
        self.events.event(pod, kind, reason, note, resource=PODS)

    def warn_of(self, pod: Object) -> Callable[[str, str], None]:
        """Says something bad about a pod, by reason and note."""
        return lambda reason, note: self.pod_event(pod, "Warning", reason, note)

    def container_event(self, pod: Object, name: str, kind: EventKind, reason: str, note: str) -> None:
        """Say something about one container of a pod."""
        self.events.event(pod, kind, reason, note, resource=PODS, field_path=field_path(pod, name))

    def facts(self, pod_ips: Sequence[str]) -> PodFacts:
        """What the downward API may tell."""
        return PodFacts(pod_ips or (), self.node.host_ips, self.node.allocatable)


def field_path(pod: Object, name: str) -> str:
    """Where a container is in its pod, as events carry it."""
    kinds = (
        ("initContainers", pods.init_containers(pod)),
        ("containers", pods.containers(pod)),
        ("ephemeralContainers", pods.ephemeral_containers(pod)),
    )
    for field_name, containers in kinds:
        if any(container["name"] == name for container in containers):
            return f"spec.{field_name}{{{name}}}"
    return ""
