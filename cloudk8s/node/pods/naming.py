"""Labels and annotations on sandboxes and containers, with upstream's names: how a restarted agent knows them again."""

from __future__ import annotations

import hashlib

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of, name_of, namespace_of, uid_of
from cloudk8s.machinery import codec
from cloudk8s.node.pods.pod import Container, grace_period

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
CONTAINER_HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
TERMINATION_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_POLICY = "io.kubernetes.container.terminationMessagePolicy"
PRE_STOP = "io.kubernetes.container.preStopHandler"
POD_GRACE = "io.kubernetes.pod.terminationGracePeriod"


def container_hash(container: Container) -> str:
    """What tells that a running container is not the one that is wanted: its name and image, as upstream has it."""
    return hashlib.sha256(f"{container['name']}\0{container.get('image', '')}".encode()).hexdigest()[:8]


def sandbox_labels(pod: Object) -> dict[str, str]:
    """The pod's labels and who it is."""
    return dict(labels_of(pod)) | _identity(pod)


def sandbox_annotations(pod: Object) -> dict[str, str]:
    """The pod's annotations."""
    return dict(annotations_of(pod))


def container_labels(pod: Object, container: Container) -> dict[str, str]:
    """Whose container it is."""
    return _identity(pod) | {CONTAINER_NAME: container["name"]}


def container_annotations(pod: Object, container: Container, attempt: int) -> dict[str, str]:
    """What must be known to end the container properly when the pod's object has gone."""
    annotations = {
        CONTAINER_HASH: container_hash(container),
        RESTART_COUNT: str(attempt),
        TERMINATION_PATH: container.get("terminationMessagePath") or "/dev/termination-log",
        TERMINATION_POLICY: container.get("terminationMessagePolicy") or "File",
        POD_GRACE: str(int(grace_period(pod).total_seconds())),
    }
    pre_stop = (container.get("lifecycle") or {}).get("preStop")
    return annotations | ({PRE_STOP: codec.encode(pre_stop).decode()} if pre_stop else {})


def log_directory(root: str, pod: Object) -> str:
    """`<namespace>_<name>_<uid>` below the directory of all pods' logs."""
    return f"{root}/{namespace_of(pod)}_{name_of(pod)}_{uid_of(pod)}"


def log_path(container: Container, attempt: int) -> str:
    """Where a container's log is in its pod's directory."""
    return f"{container['name']}/{attempt}.log"


def _identity(pod: Object) -> dict[str, str]:
    return {POD_NAME: name_of(pod), POD_NAMESPACE: namespace_of(pod), POD_UID: uid_of(pod)}
