"""Pods and what a runtime has of them, for tests of pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.node.pods import naming
from cloudk8s.node.pods.observed import Observed, observe
from cloudk8s.node.runtimes.interface import Container, ContainerState, Sandbox

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pod(*names: str, init: tuple[dict[str, Any], ...] = (), **spec: Any) -> Object:
    spec = {"restartPolicy": "Always", "containers": [each(name) for name in names or ("c",)], **spec}
    if init:
        spec["initContainers"] = list(init)
    return {"metadata": {"name": "p", "namespace": "default", "uid": "u", "generation": 3}, "spec": spec}


def each(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", **fields}


def sidecar(name: str, **fields: Any) -> dict[str, Any]:
    return each(name, restartPolicy="Always", **fields)


def run(name: str, state: ContainerState = "running", code: int = 0, *, attempt: int = 0, **fields: Any) -> Container:
    ended = state == "exited"
    values: dict[str, Any] = {
        "id": f"{name}-{attempt}", "sandbox_id": "s", "name": name, "attempt": attempt, "state": state, "image": "i",
        "image_id": "sha256:1", "created_at": NOW, "started_at": None if state == "created" else NOW,
        "finished_at": NOW + timedelta(seconds=5) if ended else None, "exit_code": code,
        "reason": ("Completed" if code == 0 else "Error") if ended else "",
        "labels": {naming.CONTAINER_NAME: name},
        "annotations": {naming.CONTAINER_HASH: naming.container_hash(each(name))},
    }  # fmt: skip
    return Container(**{**values, **fields})


def seen(*runs: Container, sandbox: str = "ready", ips: tuple[str, ...] = ("10.0.0.1",)) -> Observed:
    sandboxes = [] if sandbox == "none" else [Sandbox("s", "p", "default", "u", 0, sandbox, NOW, ips)]  # type: ignore[arg-type]
    return observe(sandboxes, runs)
