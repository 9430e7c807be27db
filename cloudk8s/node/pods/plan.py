"""What is to be done next for a pod: a pure function of its spec, what the runtime has, and what its probes say.

The rules are those of upstream's kuberuntime manager: init containers one after another, sidecars started in their
order and kept running, containers killed when their definition or a probe says so, a new sandbox when it is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.node.pods import naming, restarts
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.pod import Container
from cloudk8s.node.runtimes.interface import Container as RuntimeContainer

Health = Literal["unknown", "success", "failure"]


@dataclass(frozen=True, slots=True)
class ProbeResults:
    """The latest results by container id; a container without a probe is not in the mapping."""

    startup: Mapping[str, Health]
    liveness: Mapping[str, Health]


NO_PROBES = ProbeResults({}, {})


@dataclass(frozen=True, slots=True)
class Kill:
    """A running container that must end."""

    container_id: str
    name: str
    message: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order: kill the pod, kill containers, make the sandbox, start containers."""

    kill_pod: bool = False
    begin_anew: bool = False
    """End all containers and forget that they ran; the sandbox and the volumes stay."""
    create_sandbox: bool = False
    sandbox_attempt: int = 0
    kill: tuple[Kill, ...] = ()
    start_ephemeral: tuple[Container, ...] = ()
    start_init: tuple[Container, ...] = ()
    start: tuple[Container, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be done."""
        return not (self.kill_pod or self.begin_anew or self.create_sandbox or self.kill or self.starts)

    @property
    def starts(self) -> tuple[Container, ...]:
        """All containers to start, in order."""
        return (*self.start_ephemeral, *self.start_init, *self.start)


def plan(pod: Object, observed: Observed, probes: ProbeResults = NO_PROBES) -> Plan:
    """Compute what is to be done next for a pod that should run."""
    needs_sandbox, attempt = _sandbox_change(pod, observed)
    if needs_sandbox:
        return _with_new_sandbox(pod, observed, attempt)
    if restarts.restart_all(pod, observed.latest):
        return Plan(begin_anew=True)
    ephemeral = tuple(each for each in pods.ephemeral_containers(pod) if observed.latest(each["name"]) is None)
    init = _InitPlan(pod, observed, probes)
    if init.failed:
        return Plan(kill_pod=True)
    if not init.is_done:
        return Plan(kill=tuple(init.kill), start_ephemeral=ephemeral, start_init=tuple(init.start))
    kill, start, kept = _regular(pod, observed, probes)
    if not kept and not start:
        return Plan(kill_pod=True)
    return Plan(kill=(*init.kill, *kill), start_ephemeral=ephemeral, start_init=tuple(init.start), start=tuple(start))


def is_initialized(pod: Object, observed: Observed) -> bool:
    """Whether a regular container was ever created: then all init containers have succeeded."""
    return any(observed.latest(container["name"]) is not None for container in pods.containers(pod))


def _sandbox_change(pod: Object, observed: Observed) -> tuple[bool, int]:
    """Whether a (new) sandbox is needed, and its attempt."""
    latest = observed.sandbox
    if latest is None:
        return True, 0
    is_only_ready = sum(sandbox.state == "ready" for sandbox in observed.sandboxes) <= 1
    return latest.state != "ready" or not is_only_ready, latest.attempt + 1


def _with_new_sandbox(pod: Object, observed: Observed, attempt: int) -> Plan:
    had_containers = any(observed.containers.values())
    if attempt and had_containers and not _restarts_after_failure(pod):
        return Plan(kill_pod=True)
    wanted = tuple(each for each in pods.containers(pod) if not _is_finished(pod, each, observed))
    if not wanted and (pods.containers(pod) and had_containers):
        return Plan(kill_pod=True)
    first = next(iter(pods.init_containers(pod)), None)
    if first is not None:
        return Plan(
            kill_pod=bool(observed.running()), create_sandbox=True, sandbox_attempt=attempt, start_init=(first,)
        )
    return Plan(kill_pod=bool(observed.running()), create_sandbox=True, sandbox_attempt=attempt, start=wanted)


def _restarts_after_failure(pod: Object) -> bool:
    return any(restarts.policy_of(pod, container) != "Never" for container in pods.containers(pod))


def _is_finished(pod: Object, container: Container, observed: Observed) -> bool:
    """Whether a container has succeeded for good and must not come again in a new sandbox."""
    status = observed.latest(container["name"])
    if status is None or status.state != "exited":
        return False
    return not restarts.is_restarted(pod, container, status.exit_code)


def _regular(
    pod: Object, observed: Observed, probes: ProbeResults
) -> tuple[list[Kill], list[Container], int]:  # fmt: skip
    kill: list[Kill] = []
    start: list[Container] = []
    kept = 0
    for container in pods.containers(pod):
        status = observed.latest(container["name"])
        if status is None or status.state != "running":
            if restarts.is_wanted(pod, container, status):
                start.append(container)
            continue
        reason = _reason_to_kill(container, status, probes)
        if reason is None:
            kept += 1
            continue
        message, why = reason
        comes_again = why == "" or restarts.may_restart_after_failure(pod, container)
        suffix = ", will be restarted" if comes_again else ""
        kill.append(Kill(status.id, container["name"], f"{message}{suffix}", why))
        if comes_again:
            start.append(container)
    return kill, start, kept


def _reason_to_kill(
    container: Container, status: RuntimeContainer, probes: ProbeResults
) -> tuple[str, str] | None:  # fmt: skip
    name = container["name"]
    if status.annotations.get(naming.CONTAINER_HASH, naming.container_hash(container)) != naming.container_hash(
        container
    ):
        return f"Container {name} definition changed", ""
    if probes.liveness.get(status.id) == "failure":
        return f"Container {name} failed liveness probe", "LivenessProbe"
    if probes.startup.get(status.id) == "failure":
        return f"Container {name} failed startup probe", "StartupProbe"
    return None


class _InitPlan:
    """Walks the init containers from the last to the first, as the latest that ran says how far the pod has come."""

    def __init__(self, pod: Object, observed: Observed, probes: ProbeResults) -> None:
        self._pod, self._observed, self._probes = pod, observed, probes
        self._containers = pods.init_containers(pod)
        self.start: list[Container] = []
        self.kill: list[Kill] = []
        self.failed = False
        self.is_done = not self._containers
        self._was_initialized = is_initialized(pod, observed)
        self._has_begun = self._was_initialized
        if self._was_initialized:
            self.is_done = True
        for index in reversed(range(len(self._containers))):
            if self._look_at(index):
                break
        if self._containers and not self._has_begun:
            self.start.append(self._containers[0])
        self.start.reverse()

    def _look_at(self, index: int) -> bool:
        """Decide on one container; True where the walk ends."""
        container = self._containers[index]
        status = self._observed.latest(container["name"])
        is_sidecar = pods.is_sidecar(container)
        if status is None:
            if self._has_begun and is_sidecar:
                self.start.append(container)
            return False
        if self._was_initialized and not is_sidecar:
            return False
        if status.state == "created":
            if is_sidecar or not self._has_begun:
                self.start.append(container)
            self._has_begun = True
            return False
        return self._look_at_sidecar(index, status) if is_sidecar else self._look_at_init(index, status)

    def _look_at_init(self, index: int, status: RuntimeContainer) -> bool:
        container = self._containers[index]
        if status.state == "running":
            self._has_begun = True
            return not self._sidecars_before(index)
        if status.state == "unknown":
            self.kill.append(Kill(status.id, container["name"], f"Init container is in {status.state!r} state", ""))
        elif status.exit_code == 0:
            self._go_on_after(index)
            return False
        elif self._has_begun:
            return False
        elif not restarts.is_restarted(self._init_pod, container, status.exit_code):
            self.failed = True
            return True
        if not self._has_begun:
            self.start.append(container)
        self._has_begun = True
        return False

    def _look_at_sidecar(self, index: int, status: RuntimeContainer) -> bool:
        container = self._containers[index]
        if status.state != "running":
            self.start.append(container)
            self._has_begun = True
            return False
        reason = _reason_to_kill(container, status, self._probes)
        if reason is not None:
            self.kill.append(Kill(status.id, container["name"], f"{reason[0]}, will be restarted", reason[1]))
            self.start.append(container)
            self._has_begun = True
        elif self._is_started(container, status):
            self._go_on_after(index)
        else:
            self._has_begun = True
        return False

    def _go_on_after(self, index: int) -> None:
        """One is through: the next begins, or the pod is initialized, unless a later one told already."""
        if self._has_begun:
            return
        self._has_begun = True
        if index + 1 < len(self._containers):
            self.start.append(self._containers[index + 1])
        else:
            self.is_done = True

    def _is_started(self, container: Container, status: RuntimeContainer) -> bool:
        return not container.get("startupProbe") or self._probes.startup.get(status.id) == "success"

    def _sidecars_before(self, index: int) -> bool:
        return any(pods.is_sidecar(container) for container in self._containers[:index])

    @property
    def _init_pod(self) -> Object:
        """Init containers of pods that always restart are restarted on failure."""
        if pods.restart_policy(self._pod) != "Always":
            return self._pod
        return {**self._pod, "spec": {**spec_of(self._pod), "restartPolicy": "OnFailure"}}
