"""Everything that a pod's status is computed from, besides its object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloudk8s.node.pods.observed import Observed


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why a container does not run, as the last try to start it said."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Terminal:
    """A decision that the pod is over, whatever its containers say."""

    phase: str = "Failed"
    reason: str = ""
    message: str = ""
    is_disruption: bool = False
    """The node ends a pod that did nothing wrong; its condition `DisruptionTarget` says so."""


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """What the worker of a pod knows."""

    now: datetime
    observed: Observed = field(default_factory=Observed)
    previous: Mapping[str, Any] = field(default_factory=dict)
    """The status that was written last, or the API's."""
    host_ips: tuple[str, ...] = ()
    pod_ips: tuple[str, ...] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    """By container name."""
    started: Mapping[str, bool] = field(default_factory=dict)
    """By container id: passed its startup probe. Missing is "has none"."""
    ready: Mapping[str, bool] = field(default_factory=dict)
    """By container id: its readiness probe. Missing is "has none"."""
    termination_messages: Mapping[str, str] = field(default_factory=dict)
    """By container id."""
    image_ids: Mapping[str, str] = field(default_factory=dict)
    """By container id: the image as `imageID` shows it."""
    terminal: Terminal | None = None
    is_terminating: bool = False
    """The pod is being ended; containers that do not run will not run again."""
    is_stopped: bool = False
    """All has ended for good."""
    is_beginning_anew: bool = False
    """All containers end and start again, init containers first."""
    runtime_name: str = "cloudk8s-host"
    volume_mounts: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    allocated: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By container name: the resources that were granted."""
    resize_conditions: tuple[Mapping[str, str], ...] = ()
