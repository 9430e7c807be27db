"""Devices by name, as the Container Device Interface describes them in files of the host. All of it blocks.

https://github.com/cncf-tags/container-device-interface
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cloudk8s.machinery import codec
from cloudk8s.node.runtimes.interface import ContainerConfig, CreateFailed, Device, Mount

DIRECTORIES: Final = (Path("/etc/cdi"), Path("/var/run/cdi"))
"""The later one wins."""
_log = logging.getLogger(__name__)

Edits = Mapping[str, Any]


def with_devices(config: ContainerConfig, directories: Sequence[Path]) -> ContainerConfig:
    """The description with what its devices bring; raises CreateFailed for one that no file describes."""
    if not config.cdi_devices:
        return config
    edits = list(_edits(config.cdi_devices, [spec for each in directories for spec in _specs(each)]))
    env = [(name, value) for each in edits for name, value in _environment(each)]
    mounts = [mount for each in edits for mount in map(_mount, each.get("mounts") or ())]
    devices = [device for each in edits for device in map(_device, each.get("deviceNodes") or ())]
    return replace(
        config, env=(*config.env, *env), mounts=(*config.mounts, *mounts), devices=(*config.devices, *devices)
    )


def _edits(names: Iterable[str], specs: Sequence[Mapping[str, Any]]) -> Iterator[Edits]:
    """Those of each kind of device, once, and of each device."""
    kinds: list[str] = []
    for name in names:
        kind, _, device = name.partition("=")
        found = [
            (spec, entry)
            for spec in specs
            if spec.get("kind") == kind
            for entry in spec.get("devices") or ()
            if entry.get("name") == device
        ]
        if not found:
            raise CreateFailed(f"CDI device injection failed: unresolvable CDI devices {name}")
        spec, entry = found[-1]
        if kind not in kinds:
            kinds.append(kind)
            yield _without_hooks(spec.get("containerEdits") or {}, kind)
        yield _without_hooks(entry.get("containerEdits") or {}, name)


def _without_hooks(edits: Edits, name: str) -> Edits:
    if edits.get("hooks"):
        _log.warning("hooks of CDI device %s are not run by the host runtime", name)
    return edits


def _specs(directory: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(directory.glob("*")) if directory.is_dir() else ():
        try:
            if path.suffix == ".json":
                yield codec.decode(path.read_bytes())
            elif path.suffix in (".yaml", ".yml"):
                yield _yaml(path.read_text())
        except (OSError, ValueError) as error:
            _log.warning("CDI file %s: %s", path, error)


def _yaml(text: str) -> Mapping[str, Any]:
    import ryaml

    try:
        found: Mapping[str, Any] = ryaml.loads(text)  # type: ignore[attr-defined]
    except ryaml.InvalidYamlError as error:  # type: ignore[attr-defined]
        raise ValueError(str(error)) from error
    return found


def _environment(edits: Edits) -> Iterator[tuple[str, str]]:
    for each in edits.get("env") or ():
        name, _, value = each.partition("=")
        yield name, value


def _mount(found: Mapping[str, Any]) -> Mount:
    readonly = "ro" in (found.get("options") or ())
    return Mount(found["containerPath"], found["hostPath"], readonly=readonly)


def _device(found: Mapping[str, Any]) -> Device:
    return Device(found.get("hostPath") or found["path"], found["path"], found.get("permissions") or "rwm")
