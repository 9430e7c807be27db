"""One pod as it is: what the runtime has of it, what its probes say, and the status that the API is shown of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, status_of, uid_of
from cloudk8s.node.cluster.pod_status import PodStatusWriter
from cloudk8s.node.counts import ProbeKey, ProbeResult
from cloudk8s.node.pods import cleanup
from cloudk8s.node.pods import pod as pods
from cloudk8s.node.pods.memory import PodMemory, pod_ips
from cloudk8s.node.pods.observed import Observed
from cloudk8s.node.pods.plan import ProbeResults
from cloudk8s.node.pods.status.inputs import Terminal
from cloudk8s.node.pods.status.pod_status import pod_status, rejected_status
from cloudk8s.node.pods.sync import look
from cloudk8s.node.pods.tools import Tools
from cloudk8s.node.probes.handlers import Subject
from cloudk8s.node.probes.outcome import Outcome
from cloudk8s.node.probes.prober import Kind, Prober, Report


class Portrait:
    """Looks at a pod and shows it. `pod` is its latest object; `on_change` is called when a probe has news."""

    def __init__(
        self, tools: Tools, pod: Object, memory: PodMemory, writer: PodStatusWriter, *, on_change: Callable[[], None]
    ) -> None:
        self._tools, self._memory, self._writer = tools, memory, writer
        self._prober = Prober(
            tools.runtime, clock=tools.clock, on_change=on_change, on_failure=self._probe_failed,
            on_outcome=self._probe_answered,
        )  # fmt: skip
        self._seen_at = tools.clock.monotonic()
        self.pod = pod
        self.observed = Observed()
        """What the runtime had at the last look."""
        self.status = dict(status_of(pod))
        """The latest status, as the serving side shows it."""

    @property
    def probe_results(self) -> ProbeResults:
        """What probes say that decide whether containers live."""
        return ProbeResults(self._prober.health("startup"), self._prober.health("liveness"))

    @property
    def pod_ip(self) -> str:
        """The pod's first address; empty without one."""
        return next(iter(pod_ips(self.observed, self._tools)), "")

    async def look(self) -> None:
        """Find out what there is of the pod, and probe what runs."""
        self.observed = await look(self._tools, uid_of(self.pod))
        await self._memory.learn(self._tools, self.pod, self.observed)
        if await cleanup.prune(self._tools, self.observed):
            self.observed = await look(self._tools, uid_of(self.pod))
        self._probe()

    def show(self) -> None:
        """Compute the status and hand it on."""
        inputs = self._memory.inputs(self._tools, self.pod, self.observed, self._prober)
        self._put(pod_status(self.pod, inputs))

    def show_rejected(self, rejection: Terminal) -> None:
        """Show that the node does not take the pod, and why."""
        self._tools.pod_event(self.pod, "Warning", rejection.reason, rejection.message)
        inputs = self._memory.inputs(self._tools, self.pod, Observed(), self._prober)
        self._put(rejected_status(self.pod, rejection.reason, rejection.message, inputs))

    def stop_restarting(self) -> None:
        """Let probes that end containers rest, because all of them end."""
        self._prober.stop_restarting()

    async def close(self) -> None:
        """Stop probing."""
        await self._prober.close()
        self._tools.counts.forget_pod(uid_of(self.pod))

    def _put(self, status: dict[str, Any]) -> None:
        if status.get("phase") == "Running" and self.status.get("phase") in (None, "Pending"):
            self._tools.counts.pod_starts.observe(self._tools.clock.monotonic() - self._seen_at)
        self.status = status
        self._memory.previous = status
        self._writer.put(self.pod, status)

    def _probe(self) -> None:
        """Probe what runs."""
        running = {each.id: each for each in self.observed.running()}
        self._prober.keep_only(set(running))
        known = _known_containers(status_of(self.pod))
        for container in running.values():
            spec = pods.find_container(self.pod, container.name)
            if spec is not None and not self._memory.is_terminating:
                before = known.get(f"{self._tools.node.runtime_name}://{container.id}", {})
                self._prober.watch(
                    Subject(spec, container.id, self.pod_ip), container,
                    was_ready=bool(before.get("ready")), was_started=bool(before.get("started")),
                )  # fmt: skip

    def _probe_answered(self, name: str, kind: Kind, outcome: Outcome | None) -> None:
        result: ProbeResult = "unknown" if outcome is None else "successful" if outcome.is_success else "failed"
        key = ProbeKey(kind, result, name, name_of(self.pod), namespace_of(self.pod), uid_of(self.pod))
        self._tools.counts.probes[key] += 1

    def _probe_failed(self, report: Report) -> None:
        kind = report.kind.capitalize()
        reason, what = ("ProbeWarning", "warning") if report.is_warning else ("Unhealthy", "failed")
        note = f"{kind} probe {what}: {report.text}"
        self._tools.container_event(self.pod, report.container_name, "Warning", reason, note)


def _known_containers(status: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What the API shows of containers, by container id."""
    fields = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    return {
        each["containerID"]: each for field in fields for each in status.get(field) or () if each.get("containerID")
    }
