"""Start one container: image, description, create, start, postStart hook; each step fails with its own reason."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of, uid_of
from cloudk8s.drivers.service import DriverError
from cloudk8s.node.containers import environment, mounts, resources, security, termination
from cloudk8s.node.containers.config import Parts, container_config
from cloudk8s.node.containers.environment import ConfigurationError, Sources
from cloudk8s.node.pods import hooks, hosts_file
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import sandbox as sandboxes
from cloudk8s.node.pods.image_puller import ImageError
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.probes.handlers import Subject
from cloudk8s.node.runtimes.host.shim import paths
from cloudk8s.node.runtimes.interface import ContainerConfig, Image, Mount, Resources, RuntimeFailure, Sandbox, Security
from cloudk8s.node.volumes.interface import Mounted, VolumeError

_HOSTS = "/etc/hosts"


class NotStarted(Exception):
    """The container does not run; `reason` and `message` are what its state shows."""

    def __init__(self, reason: str, message: str, *, wait: timedelta | None = None) -> None:
        super().__init__(message)
        self.reason, self.message, self.wait = reason, message, wait


@dataclass(frozen=True, slots=True)
class Ground:
    """What the pod has for its containers already."""

    sandbox: Sandbox
    observed: Observed
    volumes: Mapping[str, Mounted]
    pod_ips: tuple[str, ...]
    granted: Mapping[str, Mapping[str, Any]]
    """Resources by container name."""


async def start(tools: Tools, pod: Object, container: Container, ground: Ground) -> None:
    """Start a container; NotStarted where it could not be."""
    attempt = next_attempt(pod, container, ground.observed)
    image = await _image(tools, pod, container)
    try:
        config = await _config(tools, pod, container, ground, image, attempt)
    except (ConfigurationError, VolumeError, DriverError) as error:
        raise _failed(tools, pod, container, "CreateContainerConfigError", str(error)) from error
    try:
        container_id = await tools.runtime.create_container(ground.sandbox.id, config)
    except (RuntimeFailure, OSError) as error:
        raise _failed(tools, pod, container, "CreateContainerError", str(error)) from error
    tools.container_event(pod, container["name"], "Normal", "Created", f"Created container: {container['name']}")
    try:
        await tools.runtime.start_container(container_id)
    except (RuntimeFailure, OSError) as error:
        raise _failed(tools, pod, container, "RunContainerError", str(error)) from error
    tools.container_event(pod, container["name"], "Normal", "Started", f"Started container {container['name']}")
    await _post_start(tools, pod, container, container_id, ground)


def next_attempt(pod: Object, container: Container, observed: Observed) -> int:
    """How often the container was started before, also where the runtime no longer knows."""
    latest = observed.latest(container["name"])
    if latest is not None:
        return latest.attempt + 1
    status = pod.get("status") or {}
    known = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    counts = [each for each in known if each["name"] == container["name"] and each.get("containerID")]
    return int(counts[0].get("restartCount", 0)) + 1 if counts else 0


async def _image(tools: Tools, pod: Object, container: Container) -> Image:
    reference = container.get("image", "")
    policy = container.get("imagePullPolicy") or "IfNotPresent"

    def announce(kind: EventKind, reason: str, note: str) -> None:
        tools.container_event(pod, container["name"], kind, reason, note)

    try:
        return await tools.images.ensure(pod, reference, policy, announce)
    except ImageError as error:
        tools.container_event(pod, container["name"], "Warning", "Failed", f"Error: {error.reason}")
        raise NotStarted(error.reason, error.message, wait=error.wait) from error


async def _config(
    tools: Tools, pod: Object, container: Container, ground: Ground, image: Image, attempt: int
) -> ContainerConfig:  # fmt: skip
    variables = environment.environment(
        pod, container, await _sources(tools, pod, container, ground.volumes), tools.facts(ground.pod_ips)
    )
    found = await asyncio.to_thread(_mounts, tools, pod, container, ground, variables)
    gift = await tools.devices.gift(pod, container)
    parts = Parts(
        attempt=attempt,
        image=image,
        environment={**variables, **gift.environment},
        mounts=[*found, *gift.mounts],
        devices=(*mounts.devices(container, ground.volumes), *gift.devices),
        cdi_devices=[*gift.cdi_devices, *tools.claims.devices(pod, container)],
        annotations=gift.annotations,
        resources=_resources(tools, pod, container, ground),
        security=_security(tools, pod, container, image),
        namespaces=sandboxes.namespaces(pod, target_id=_target(container, ground.observed)),
    )
    return container_config(pod, container, parts)


def _security(tools: Tools, pod: Object, container: Container, image: Image) -> Security:
    default = "RuntimeDefault" if tools.settings.seccomp_default else "Unconfined"
    profiles = tools.settings.root_dir / "seccomp"
    return security.security(pod, container, image, profiles=profiles, default_profile=default)


def _resources(tools: Tools, pod: Object, container: Container, ground: Ground) -> Resources:
    granted = ground.granted.get(container["name"], container.get("resources") or {})
    return resources.container_resources(
        pod,
        {**container, "resources": granted},
        memory_capacity=tools.node.memory_capacity,
        pids_limit=tools.settings.pod_pids_limit,
    )


async def _sources(
    tools: Tools, pod: Object, container: Container, volumes: Mapping[str, Mounted]
) -> Sources:  # fmt: skip
    config_maps, secret_names = environment.referenced(container)
    namespace = namespace_of(pod)
    return Sources(
        config_maps={name: await tools.configuration.config_map(namespace, name) for name in config_maps},
        secrets={name: await tools.configuration.secret(namespace, name) for name in secret_names},
        services=tools.services(pod),
        files=await asyncio.to_thread(_files, environment.referenced_files(container), volumes),
    )


def _files(wanted: Iterable[tuple[str, str]], volumes: Mapping[str, Mounted]) -> dict[tuple[str, str], str | None]:
    """Texts of files in volumes, never of any outside; None for what is not there. Blocks."""
    found: dict[tuple[str, str], str | None] = {}
    for name, path in wanted:
        found[(name, path)] = _text(str(volumes[name].path), path) if name in volumes else None
    return found


def _text(volume: str, path: str) -> str | None:
    try:
        place = paths.open_below(volume, paths.join(volume, path))
    except OSError:
        return None
    try:
        is_file = stat.S_ISREG(os.fstat(place).st_mode)
        return Path(f"/proc/self/fd/{place}").read_text("utf-8", "replace") if is_file else None
    finally:
        os.close(place)


def _mounts(
    tools: Tools, pod: Object, container: Container, ground: Ground, variables: Mapping[str, str]
) -> list[Mount]:  # fmt: skip
    """All mounts, with the node's own files made. Blocks."""
    found = mounts.volume_mounts(
        container, ground.volumes, variables, can_recurse=tools.node.can_recurse(ground.sandbox.handler)
    )
    directory = tools.settings.pods_dir / uid_of(pod)
    hosts = directory / "etc-hosts"
    _write_hosts(tools, pod, ground, hosts)
    found += mounts.file_mount(found, hosts, _HOSTS)
    words = directory / "containers" / container["name"] / secrets.token_hex(4)
    termination.prepare(words)
    return found + mounts.file_mount(found, words, container.get("terminationMessagePath") or "/dev/termination-log")


def _write_hosts(tools: Tools, pod: Object, ground: Ground, path: Path) -> None:
    aliases = spec_of(pod).get("hostAliases") or ()
    if pods.is_host_network(pod):
        host_file = Path(_HOSTS)
        text = hosts_file.host_network_hosts(host_file.read_text() if host_file.exists() else "", aliases)
    else:
        name, domain = sandboxes.hostname_and_domain(pod, tools.settings.cluster_domain)
        text = hosts_file.pod_hosts(ground.pod_ips, name, domain, aliases)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)


def _target(container: Container, observed: Observed) -> str:
    name = container.get("targetContainerName")
    latest = observed.latest(name) if name else None
    return latest.id if latest is not None else ""


async def _post_start(tools: Tools, pod: Object, container: Container, container_id: str, ground: Ground) -> None:
    hook = (container.get("lifecycle") or {}).get("postStart")
    if not hook:
        return
    subject = Subject(container, container_id, next(iter(ground.pod_ips), ""))
    try:
        await hooks.run(tools.runtime, tools.clock, subject, hook, tools.warn_of(pod))
    except hooks.HookFailed as error:
        tools.container_event(
            pod, container["name"], "Warning", "FailedPostStartHook", f"PostStartHook failed: {error}"
        )
        await tools.runtime.stop_container(container_id, pods.grace_period(pod))
        raise NotStarted("PostStartHookError", f"PostStartHook failed: {error}") from error


def _failed(tools: Tools, pod: Object, container: Container, reason: str, message: str) -> NotStarted:
    tools.container_event(pod, container["name"], "Warning", "Failed", f"Error: {message}")
    return NotStarted(reason, message)
