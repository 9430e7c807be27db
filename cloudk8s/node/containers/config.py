"""A container's whole description for the runtime. Pure: files and objects are handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudk8s.client.interface import Object
from cloudk8s.node.containers import expansion
from cloudk8s.node.pods import naming
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.runtimes.interface import (
    ContainerConfig,
    Device,
    Image,
    Mount,
    Namespaces,
    Resources,
    Security,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a description is put together from."""

    attempt: int
    image: Image
    environment: Mapping[str, str]
    mounts: Sequence[Mount]
    devices: Sequence[Device]
    resources: Resources
    security: Security
    namespaces: Namespaces
    cdi_devices: Sequence[str]
    annotations: Mapping[str, str]
    """What plugins add to the container's own."""


def container_config(pod: Object, container: Container, parts: Parts) -> ContainerConfig:
    """Put the description together."""
    environment = parts.environment
    return ContainerConfig(
        name=container["name"],
        image=parts.image.id,
        user_image=container.get("image", ""),
        attempt=parts.attempt,
        command=tuple(expansion.expand(word, environment) for word in container.get("command") or ()),
        args=tuple(expansion.expand(word, environment) for word in container.get("args") or ()),
        working_dir=container.get("workingDir") or "",
        env=tuple(environment.items()),
        mounts=tuple(parts.mounts),
        devices=tuple(parts.devices),
        cdi_devices=tuple(parts.cdi_devices),
        labels=naming.container_labels(pod, container),
        annotations={**naming.container_annotations(pod, container, parts.attempt), **parts.annotations},
        log_path=naming.log_path(container, parts.attempt),
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        stop_signal=(container.get("lifecycle") or {}).get("stopSignal") or "",
        namespaces=parts.namespaces,
        resources=parts.resources,
        security=parts.security,
    )
