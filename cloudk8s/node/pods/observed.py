"""What the runtime has of one pod, put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudk8s.node.pods import naming
from cloudk8s.node.runtimes.interface import Container, Sandbox


@dataclass(frozen=True, slots=True)
class Observed:
    """One pod's sandboxes and containers, the latest first."""

    sandboxes: Sequence[Sandbox] = ()
    containers: Mapping[str, Sequence[Container]] = field(default_factory=dict)
    """By the container's name in the pod."""

    @property
    def sandbox(self) -> Sandbox | None:
        """The latest sandbox."""
        return self.sandboxes[0] if self.sandboxes else None

    @property
    def ready_sandbox(self) -> Sandbox | None:
        """The latest sandbox, if it is ready."""
        sandbox = self.sandbox
        return sandbox if sandbox is not None and sandbox.state == "ready" else None

    @property
    def is_empty(self) -> bool:
        """Whether the runtime has nothing of this pod."""
        return not self.sandboxes and not self.containers

    @property
    def is_stopped(self) -> bool:
        """Whether nothing of this pod runs."""
        return not self.running() and all(sandbox.state != "ready" for sandbox in self.sandboxes)

    def latest(self, name: str) -> Container | None:
        """The latest container of that name."""
        found = self.containers.get(name)
        return found[0] if found else None

    def by_id(self, container_id: str) -> Container | None:
        """A container by its id."""
        return next((each for found in self.containers.values() for each in found if each.id == container_id), None)

    def running(self) -> list[Container]:
        """All containers that run."""
        return [each for found in self.containers.values() for each in found if each.state in ("running", "unknown")]

    def all_containers(self) -> list[Container]:
        """All containers."""
        return [each for found in self.containers.values() for each in found]


def observe(sandboxes: Sequence[Sandbox], containers: Sequence[Container]) -> Observed:
    """Sort what the runtime listed."""
    by_name: dict[str, list[Container]] = {}
    for container in containers:
        by_name.setdefault(container.labels.get(naming.CONTAINER_NAME, container.name), []).append(container)
    for found in by_name.values():
        found.sort(key=lambda each: (each.attempt, each.created_at), reverse=True)
    ordered = sorted(sandboxes, key=lambda each: (each.attempt, each.created_at), reverse=True)
    return Observed(ordered, by_name)
