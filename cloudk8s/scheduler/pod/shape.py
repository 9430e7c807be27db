"""A pod's shape: everything about it that a scheduling decision may depend on.

Pods of one ReplicaSet have the same shape, so it is parsed once and what is worked out for it can be used again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of
from cloudk8s.machinery import codec
from cloudk8s.scheduler.pod.affinity import PodAffinity, pod_affinity
from cloudk8s.scheduler.pod.features import required_features
from cloudk8s.scheduler.pod.node_selection import NodeSelection, selection
from cloudk8s.scheduler.pod.ports import HostPort, host_ports
from cloudk8s.scheduler.pod.requests import CPU, MEMORY, Amounts, pod_requests
from cloudk8s.scheduler.pod.spread import SpreadConstraint, spread_constraints
from cloudk8s.scheduler.pod.toleration import Toleration, tolerations_of

_RELEVANT: Final = (
    "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "priority", "preemptionPolicy",
    "overhead", "hostNetwork", "schedulerName", "resourceClaims", "resources",
)  # fmt: skip
_OF_CONTAINERS: Final = ("name", "image", "resources", "ports", "restartPolicy")
_PLAIN_VOLUMES: Final = frozenset(("name", "projected", "emptyDir", "configMap", "secret", "downwardAPI", "hostPath"))


@dataclass(slots=True, eq=False)
class Shape:
    """Parsed from the first pod that has it; compared by identity.

    `members` and `tallies` belong to the cluster: who has this shape, and what counts pods of this shape.
    """

    key: bytes
    namespace: str
    labels: Mapping[str, str]
    scheduler_name: str
    priority: int
    preempts: bool
    requests: Amounts
    nonzero: tuple[int, int]
    """CPU and memory with upstream's defaults for containers that say nothing."""
    resources_key: tuple[object, ...]
    """Equal for shapes that request the same."""
    ports: tuple[HostPort, ...]
    images: tuple[str, ...]
    container_count: int
    selection: NodeSelection
    tolerations: tuple[Toleration, ...]
    affinity: PodAffinity
    spread: tuple[SpreadConstraint, ...]
    volumes: tuple[Mapping[str, Any], ...]
    """Volumes that may tie a pod to nodes."""
    claims: tuple[Mapping[str, Any], ...]
    owner: tuple[str, str] | None
    """Kind and name of the controller."""
    features: tuple[str, ...] = ()
    """What nodes have to declare."""
    is_registered: bool = False
    members: dict[str, Any] = field(default_factory=dict)
    tallies: list[Any] = field(default_factory=list)
    memo: dict[Any, Any] = field(default_factory=dict)
    """What plugins have worked out for the shape, each under its own name."""


def shape_key(pod: Object) -> bytes:
    """Equal for pods that are alike in everything that matters."""
    metadata, spec = pod["metadata"], pod["spec"]
    parts: list[Any] = [metadata.get("namespace"), metadata.get("labels"), _owner(pod)]
    parts.extend([spec.get(name) for name in _RELEVANT])
    parts.append([[item.get(name) for name in _OF_CONTAINERS] for item in spec.get("containers") or ()])
    if initial := spec.get("initContainers"):
        parts.append([[item.get(name) for name in _OF_CONTAINERS] for item in initial])
    if volumes := _volumes(spec):
        parts.append((metadata.get("name"), volumes))
    if allocated := held_by_resize(pod):
        parts.append(allocated)
    if features := required_features(spec):
        parts.append(("features", features))
    return codec.encode_sorted(parts)


def parse_shape(key: bytes, pod: Object) -> Shape:
    """Read a pod that has a shape not seen before."""
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status")
    namespace, labels = metadata.get("namespace", ""), metadata.get("labels") or {}
    nonzero = pod_requests(spec, status, defaults=True)
    requests, least = pod_requests(spec, status), (nonzero.get(CPU, 0), nonzero.get(MEMORY, 0))
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return Shape(
        key=key,
        namespace=namespace,
        labels=labels,
        scheduler_name=spec.get("schedulerName") or "default-scheduler",
        priority=int(spec.get("priority") or 0),
        preempts=spec.get("preemptionPolicy") != "Never",
        requests=requests,
        nonzero=least,
        resources_key=(*sorted(requests.items()), least),
        ports=host_ports(spec),
        images=tuple(normalized_image(item.get("image", "")) for item in containers),
        container_count=len(containers),
        selection=selection(spec),
        tolerations=tolerations_of(spec),
        affinity=pod_affinity(spec, namespace),
        spread=spread_constraints(spec.get("topologySpreadConstraints"), namespace, labels),
        volumes=_volumes(spec),
        claims=tuple(spec.get("resourceClaims") or ()),
        owner=_owner(pod),
        features=required_features(spec),
    )


def normalized_image(image: str) -> str:
    """An image name as nodes report it: with a tag, if it has neither tag nor digest."""
    return image if ":" in image.rpartition("/")[2] else f"{image}:latest"


def _owner(pod: Object) -> tuple[str, str] | None:
    reference = controller_of(pod)
    return (reference.get("kind", ""), reference.get("name", "")) if reference else None


def _volumes(spec: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    found = spec.get("volumes")
    return tuple(volume for volume in found if not _PLAIN_VOLUMES.issuperset(volume)) if found else ()


def held_by_resize(pod: Object) -> list[Any]:
    """What containers hold where that differs from what they ask, as during a resize."""
    statuses = (pod.get("status") or {}).get("containerStatuses")
    if not statuses:
        return []
    wanted = {item.get("name"): (item.get("resources") or {}).get("requests") for item in pod["spec"]["containers"]}
    found = [(item.get("name"), item.get("allocatedResources")) for item in statuses]
    return [pair for pair in found if pair[1] and pair[1] != wanted.get(pair[0])]
