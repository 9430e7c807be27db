"""Reading a pod's JSON: small accessors with upstream's defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, name_of, namespace_of, spec_of, status_of, uid_of
from cloudk8s.machinery.times import parse_time
from cloudk8s.node.counts import ContainerType

Container = Mapping[str, Any]

CONFIG_SOURCE = "kubernetes.io/config.source"
CONFIG_HASH = "kubernetes.io/config.hash"
CONFIG_MIRROR = "kubernetes.io/config.mirror"
CONFIG_SEEN = "kubernetes.io/config.seen"
DEFAULT_GRACE = 30


def containers(pod: Object) -> Sequence[Container]:
    """The regular containers."""
    return spec_of(pod).get("containers") or ()


def init_containers(pod: Object) -> Sequence[Container]:
    """The init containers, sidecars among them."""
    return spec_of(pod).get("initContainers") or ()


def ephemeral_containers(pod: Object) -> Sequence[Container]:
    """The ephemeral containers."""
    return spec_of(pod).get("ephemeralContainers") or ()


def all_containers(pod: Object) -> Iterable[Container]:
    """All containers of all three kinds."""
    yield from init_containers(pod)
    yield from containers(pod)
    yield from ephemeral_containers(pod)


def type_of(pod: Object, container: Container) -> ContainerType:
    """What a container is, as metrics name it."""
    if any(each["name"] == container["name"] for each in init_containers(pod)):
        return "init_container"
    is_regular = any(each["name"] == container["name"] for each in containers(pod))
    return "container" if is_regular else "ephemeral_container"


def find_container(pod: Object, name: str) -> Container | None:
    """A container by its name."""
    return next((container for container in all_containers(pod) if container["name"] == name), None)


def sidecars(pod: Object) -> Sequence[Container]:
    """The init containers that run beside the regular ones."""
    return [container for container in init_containers(pod) if is_sidecar(container)]


def is_sidecar(container: Container) -> bool:
    """Whether an init container is restartable; asked of init containers only."""
    return container.get("restartPolicy") == "Always"


def restart_policy(pod: Object) -> str:
    """Always, OnFailure or Never."""
    return str(spec_of(pod).get("restartPolicy") or "Always")


def phase(pod: Object) -> str:
    """The phase that the API shows."""
    return str(status_of(pod).get("phase") or "Pending")


def is_terminal(pod: Object) -> bool:
    """Whether the API shows the pod as over."""
    return phase(pod) in ("Succeeded", "Failed")


def is_static(pod: Object) -> bool:
    """Whether the pod comes from this node, not from the API."""
    source = annotations_of(pod).get(CONFIG_SOURCE)
    return source is not None and source != "api"


def is_mirror(pod: Object) -> bool:
    """Whether the pod only shows a static one in the API."""
    return CONFIG_MIRROR in annotations_of(pod)


def is_host_network(pod: Object) -> bool:
    """Whether the pod uses the node's network."""
    return bool(spec_of(pod).get("hostNetwork"))


def is_critical(pod: Object) -> bool:
    """Whether the node must not reject or evict it lightly."""
    return is_static(pod) or is_mirror(pod) or int(spec_of(pod).get("priority") or 0) >= 2_000_000_000


def deletion_time(pod: Object) -> datetime | None:
    """When the pod is to be gone, once it is being deleted."""
    text = pod["metadata"].get("deletionTimestamp")
    return parse_time(text) if text else None


def grace_period(pod: Object) -> timedelta:
    """How long its containers may take to end: what the deletion says, else what the pod says."""
    seconds = pod["metadata"].get("deletionGracePeriodSeconds")
    if seconds is None:
        seconds = spec_of(pod).get("terminationGracePeriodSeconds")
    return timedelta(seconds=DEFAULT_GRACE if seconds is None else max(0, int(seconds)))


def full_name(pod: Object) -> str:
    """`namespace/name`, for messages."""
    return f"{namespace_of(pod)}/{name_of(pod)}"


def described(pod: Object) -> str:
    """`name_namespace(uid)`, as upstream's messages name pods."""
    return f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
