"""The manager of a cluster that looks after itself, as a process of its own on a machine of the control plane."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cloudk8s.controlplane.child import keep_running
from cloudk8s.controlplane.machine.settings import ControlPlaneSettings
from cloudk8s.machinery.codec import encode

HOST_NETWORK: Final = "CLOUDK8S_HOST_NETWORK"
"""Set where machines are parts of one host: the descriptor of its network, where what they manage is."""
NAME: Final = "cluster-manager"
LOG: Final = "cluster-manager.log"
"""In the directory of the machine."""


def manager_command(settings: ControlPlaneSettings, environment: Mapping[str, str] | None = None) -> list[str]:
    """Its command line; none where somebody else looks after the cluster."""
    if settings.manages is None:
        return []
    outside = [f"--net=/proc/self/fd/{descriptor}" for descriptor in inherited(environment)]
    given = [f"--set={key}={_text(value)}" for key, value in sorted(settings.manages.settings.items())]
    return [
        *(["nsenter", *outside, "--"] if outside else []),
        sys.executable, "-m", "cloudk8s", "cluster", "manage", settings.cluster,
        f"--provider={settings.manages.provider}", *given, "--stop-with-input",
    ]  # fmt: skip


async def keep_managing(settings: ControlPlaneSettings, directory: Path) -> None:
    """Run it until cancelled; nothing where somebody else looks after the cluster."""
    if command := manager_command(settings):
        await keep_running(command, directory / LOG, name=NAME, descriptors=inherited())


def inherited(environment: Mapping[str, str] | None = None) -> tuple[int, ...]:
    """Descriptors that the process must have."""
    known = os.environ if environment is None else environment
    return (int(known[HOST_NETWORK]),) if HOST_NETWORK in known else ()


def _text(value: Any) -> str:
    """As YAML, of which JSON is a part."""
    return encode(value).decode()
