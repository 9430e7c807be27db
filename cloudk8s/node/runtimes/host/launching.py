"""Turn a container's description into the process that its shim starts. Pure, but for the host's own environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cloudk8s.node.runtimes import hidden_paths
from cloudk8s.node.runtimes.host import capabilities
from cloudk8s.node.runtimes.host.images.image import ImageRoot
from cloudk8s.node.runtimes.host.isolation import Isolation
from cloudk8s.node.runtimes.host.records import ContainerRecord, SandboxRecord
from cloudk8s.node.runtimes.interface import ContainerConfig, CreateFailed, Mount, Security, UserRange

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process is put into: its sandbox, its image, its directory, and where image volumes are unpacked."""

    sandbox: SandboxRecord
    image: ImageRoot
    directory: Path
    isolation: Isolation
    mounts: tuple[Mount, ...] = ()
    """The runtime's own: resolv.conf, hostname."""
    shared_memory: str = ""
    image_volumes: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Layers of the images that are mounted as volumes, by image id."""
    target_pid: int = 0
    call_filter: str = ""
    """The compiled seccomp profile, in base64; empty for none."""

    @property
    def users(self) -> UserRange | None:
        """The pod's own users."""
        return self.sandbox.config.users


def argv(config: ContainerConfig, image: ImageRoot) -> list[str]:
    """The command line: `command` replaces the image's entrypoint and command, `args` only the latter."""
    if config.command:
        words = (*config.command, *config.args)
    else:
        words = (*image.config.entrypoint, *(config.args or image.config.command))
    if not words:
        raise CreateFailed("no command specified")
    return list(words)


def environment(config: ContainerConfig, image: ImageRoot, hostname: str) -> dict[str, str]:
    """The image's variables under the container's; the last of two wins."""
    base = {"PATH": PATH} | dict(image.config.env)
    if config.tty:
        base.setdefault("TERM", "xterm")
    if hostname:
        base["HOSTNAME"] = hostname
    return base | dict(config.env)


def process(record: ContainerRecord, around: Surroundings) -> dict[str, Any]:
    """The description that the shim's `launch` reads."""
    config, isolation = record.config, around.isolation
    security = config.security
    description: dict[str, Any] = {
        "argv": argv(config, around.image),
        "env": environment(config, around.image, around.sandbox.config.hostname),
        "cwd": config.working_dir or around.image.config.working_dir or "/",
        "tty": config.tty,
        "cgroups": [f"{path}/cgroup.procs" for path in record.cgroups],
        "oom_score_adj": config.resources.oom_score_adj,
        "no_new_privileges": security.no_new_privileges,
        "seccomp": around.call_filter,
        "apparmor": security.apparmor.removeprefix("localhost/") if security.apparmor[:10] == "localhost/" else "",
    }
    if around.users is not None and around.sandbox.holder is not None:
        namespace = f"/proc/{around.sandbox.holder['pid']}/ns/user"
        description["users"] = {"first": around.users.first, "namespace": namespace}
    description |= _identity(security, around)
    description |= _namespaces(config, around)
    if isolation.mounts:
        description["root"] = _root(record, around)
    return description


def request(record: ContainerRecord, around: Surroundings) -> dict[str, Any]:
    """The whole request to the spawner."""
    return {
        "kind": "container",
        "directory": str(around.directory),
        "log_path": record.log_path,
        "stdin": record.config.stdin,
        "process": process(record, around),
        "oom_files": [f"{path}/{name}" for path in record.cgroups for name in ("memory.events", "memory.oom_control")],
    }


def _identity(security: Security, around: Surroundings) -> dict[str, Any]:
    isolation = around.isolation
    if not (isolation.users or isolation.user_namespace):
        return {"user": _own_user()}
    user = security.run_as_username or around.image.config.user
    if security.run_as_user is not None:
        user = str(security.run_as_user)
    identity: dict[str, Any] = {
        "user": user,
        "group": security.run_as_group,
        "supplemental_groups": list(security.supplemental_groups),
        "strict_groups": security.strict_groups,
        "map_user": isolation.user_namespace and not isolation.users,
    }
    if isolation.users:
        identity["capabilities"] = {"bounding": capabilities.mask(security)}
    return identity


def _own_user() -> str:
    return f"{os.geteuid()}:{os.getegid()}"


def _namespaces(config: ContainerConfig, around: Surroundings) -> dict[str, Any]:
    if not around.isolation.processes:
        return {}
    holder = around.sandbox.holder
    join: dict[str, str] = {}
    if holder is not None:
        own = around.sandbox.config.namespaces
        kinds = ["uts"] * (own.network == "pod") + ["ipc"] * (own.ipc == "pod")
        kinds += ["net"] * (own.network == "pod" and around.isolation.network)
        kinds += ["user"] * (around.isolation.user_namespace and not around.isolation.is_inside)
        join = {kind: f"/proc/{holder['pid']}/ns/{kind}" for kind in kinds}
    unshare = ["mnt"]
    if config.namespaces.pid == "container":
        unshare.append("pid")
    elif config.namespaces.pid == "pod" and holder is not None:
        join["pid"] = f"/proc/{holder['pid']}/ns/pid"
    elif config.namespaces.pid == "target" and around.target_pid:
        join["pid"] = f"/proc/{around.target_pid}/ns/pid"
    if around.isolation.cgroups and not config.security.privileged:
        unshare.append("cgroup")
    return {"join": join, "unshare": unshare}


def _root(record: ContainerRecord, around: Surroundings) -> dict[str, Any]:
    config, isolation, directory = record.config, around.isolation, around.directory
    own_network = isolation.network and around.sandbox.config.namespaces.network == "pod"
    hides = not (config.security.privileged or config.security.unmasked_proc)
    root: dict[str, Any] = {
        "kind": "host" if around.image.layers is None else "overlay",
        "merged": str(directory / "merged"),
        "cwd": config.working_dir or around.image.config.working_dir,
        "readonly": config.security.readonly_root,
        "privileged": config.security.privileged,
        "own_proc": config.namespaces.pid != "node",
        "own_sys": own_network and not isolation.user_namespace,
        "is_user_namespace": isolation.user_namespace or around.users is not None,
        "user_attributes": isolation.user_namespace,
        "mounts": [_mount(mount, around) for mount in (*around.mounts, *config.mounts)],
        "devices": [{"source": device.host_path, "target": device.container_path} for device in config.devices],
        "shm": around.shared_memory or None,
        "masked": list(hidden_paths.MASKED) if hides else [],
        "readonly_paths": list(hidden_paths.READONLY) if hides else [],
        "cgroup2": isolation.cgroups == "v2",
        "cgroup1": {Path(path).parts[4]: path for path in record.cgroups} if isolation.cgroups == "v1" else {},
    }
    if around.image.layers is not None:
        layers = around.image.layers
        root |= {
            "layers": str(layers[0].parent) if layers else "/",
            "lower": [layer.name for layer in reversed(layers)],
            "upper": str(directory / "upper"),
            "work": str(directory / "work"),
        }
    return root


def _mount(mount: Mount, around: Surroundings) -> dict[str, Any]:
    description: dict[str, Any] = {
        "source": mount.host_path,
        "target": mount.container_path,
        "readonly": mount.readonly,
        "propagation": mount.propagation,
        "recursive_readonly": mount.recursive_readonly,
        "below": mount.below,
    }
    if mount.image:
        layers = around.image_volumes[mount.image]
        description |= {"lower": [str(layer) for layer in reversed(layers)], "stage": str(around.directory / "images")}
    return description
