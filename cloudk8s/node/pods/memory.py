"""What a worker remembers of its pod between two looks; nothing that could not be lost in a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of, uid_of
from cloudk8s.node.containers import mounts, termination
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods import resize
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.restarts import restart_all
from cloudk8s.node.pods.status.inputs import StatusInputs, Terminal, Waiting
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.probes.prober import Prober
from cloudk8s.node.runtimes.interface import Container


@dataclass(slots=True)
class PodMemory:
    """Facts about one pod that its status shows."""

    previous: dict[str, Any] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    wake_at: dict[str, datetime] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    image_ids: dict[str, str] = field(default_factory=dict)
    terminal: Terminal | None = None
    granted: resize.Granted | None = None
    resize_error: str = ""
    """Why the latest try to give containers what they were granted has failed."""
    resize_conditions: tuple[Mapping[str, str], ...] = ()
    is_beginning_anew: bool = False
    """All containers have ended by a rule of one of them, and the regular ones do not run again yet."""
    is_terminating: bool = False
    is_stopped: bool = False

    async def learn(self, tools: Tools, pod: Object, observed: Observed) -> None:
        """Read what containers left behind, and the names of their images."""
        if all(observed.latest(each["name"]) for each in pods.containers(pod)) and not restart_all(
            pod, observed.latest
        ):
            self.is_beginning_anew = False
        known = {container.id for container in observed.all_containers()}
        for memory in (self.messages, self.image_ids):
            for container_id in memory.keys() - known:
                del memory[container_id]
        for container in observed.all_containers():
            if container.id not in self.image_ids:
                self.image_ids[container.id] = await tools.images.shown_id(container.image_id)
            if container.state == "exited" and container.id not in self.messages:
                directory = tools.settings.pods_dir / uid_of(pod) / "containers" / container.name
                self.messages[container.id] = await asyncio.to_thread(_message, container, directory)

    def inputs(self, tools: Tools, pod: Object, observed: Observed, prober: Prober) -> StatusInputs:
        """Everything that the status is made from."""
        startup, readiness = prober.health("startup"), prober.health("readiness")
        return StatusInputs(
            now=tools.clock.now(),
            observed=observed,
            previous=self.previous or dict(status_of(pod)),
            host_ips=tools.node.host_ips,
            pod_ips=pod_ips(observed, tools),
            waiting=self.waiting,
            started={key: health == "success" for key, health in startup.items()},
            ready={key: health == "success" for key, health in readiness.items()},
            termination_messages=self.messages,
            image_ids=self.image_ids,
            terminal=self.terminal,
            is_terminating=self.is_terminating,
            is_stopped=self.is_stopped,
            is_beginning_anew=self.is_beginning_anew or restart_all(pod, observed.latest),
            runtime_name=tools.node.runtime_name,
            allocated=self.granted or {},
            resize_conditions=self.resize_conditions,
            volume_mounts=_mounts(tools, pod, observed),
        )


def pod_ips(observed: Observed, tools: Tools) -> tuple[str, ...]:
    """The pod's addresses; a sandbox without its own has the node's, but not one that has given its own back."""
    sandbox = observed.sandbox
    if sandbox is None or (sandbox.state != "ready" and not sandbox.ips):
        return ()
    return sandbox.ips or tools.node.host_ips


def _mounts(tools: Tools, pod: Object, observed: Observed) -> dict[str, tuple[Mapping[str, Any], ...]]:
    can_recurse = tools.node.can_recurse(observed.sandbox.handler if observed.sandbox is not None else "")
    return {each["name"]: mounts.statuses(each, can_recurse=can_recurse) for each in pods.all_containers(pod)}


def _message(container: Container, directory: Path) -> str:
    return termination.read(container, _last_words(directory))


def _last_words(directory: Path) -> Path | None:
    """The newest termination file of a container; each start has its own."""
    files = sorted(directory.glob("*"), key=lambda path: path.stat().st_mtime) if directory.exists() else []
    return files[-1] if files else None
