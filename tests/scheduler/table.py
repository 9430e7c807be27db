"""Small hand-made clusters for tables of cases: which nodes pass, why the others do not, and how they score."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import resource_of
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.instruments import Instruments
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.configuration.model import PluginConfig, ProfileConfiguration
from cloudk8s.scheduler.configuration.profiles import fill_profile
from cloudk8s.scheduler.framework.deciding import Decider
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.filtering import feasible, prepare
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.framework.waiting import WaitingPods
from cloudk8s.scheduler.interface import Candidates, Cycle, Factory, Handle
from cloudk8s.scheduler.metrics import SchedulerMetrics
from cloudk8s.scheduler.plugins.catalog import BUILT_IN
from cloudk8s.scheduler.pod.pod import Pod
from cloudk8s.scheduler.reporting import Reporter
from cloudk8s.testing.fake_client import FakeClient


class Table:
    """A cluster and the default profile; pods in `objects` with a node are on it, everything else is in the API."""

    def __init__(
        self,
        *objects: Object,
        arguments: Mapping[str, Mapping[str, Any]] | None = None,
        factories: Mapping[str, Factory] | None = None,
        configuration: ProfileConfiguration | None = None,
    ) -> None:
        self.cluster = Cluster()
        clock = FakeClock()
        self.client = FakeClient(clock=clock)
        self.informers = Informers(self.client, clock=clock)
        self.nominations = Nominations()
        self.profile = Profile("default-scheduler")
        generator = random.Random(0)
        self.decider = Decider(self.profile, self.cluster, self.nominations, generator)
        events = EventRecorder(self.client, "default-scheduler", clock=clock, series=True)
        reporter = Reporter(self.client, events, clock=clock)
        self.spawned: list[str] = []
        handle = Handle(
            self.cluster, self.client, self.informers, clock, generator, self.nominations, WaitingPods(), reporter,
            self.decider.fits, self.decider.short_of_resources, self._spawn, lambda key: None,
            SchedulerMetrics(Instruments()),
        )  # fmt: skip
        config = tuple(PluginConfig(name=name, args=dict(args)) for name, args in (arguments or {}).items())
        chosen = configuration or ProfileConfiguration(plugin_config=config)
        fill_profile(self.profile, chosen, {**BUILT_IN, **(factories or {})}, handle)
        self.handle = handle
        for obj in objects:
            self.put(obj)

    def put(self, obj: Object) -> None:
        """A node, a pod, a namespace, or anything that an informer would bring."""
        if obj["kind"] == "Node":
            self.cluster.set_node(obj)
        elif obj["kind"] == "Pod":
            self.place(obj)
        elif obj["kind"] == "Namespace":
            self.cluster.set_namespace(obj["metadata"]["name"], obj["metadata"].get("labels") or {})
        else:
            resource = resource_of(obj)
            assert resource is not None
            stored = self.client.add(obj)
            self.informers.of(resource).apply("ADDED", stored)

    def place(self, obj: Object) -> Pod:
        """Put a pod on its node."""
        pod = self.cluster.pod(obj)
        self.cluster.add(pod, obj["spec"]["nodeName"])
        return pod

    def cycle(self, obj: Object) -> Cycle:
        return Cycle(self.cluster.pod(obj), self.cluster)

    def fits(self, obj: Object) -> set[str]:
        """The nodes that pass all filters."""
        cycle = self.cycle(obj)
        if prepare(self.profile, cycle) is not None:
            return set()
        mask = feasible(self.profile, cycle, self.cluster.nodes.rows)
        return {self.cluster.nodes.names[slot] for slot in np.flatnonzero(mask)}

    def why(self, obj: Object) -> str:
        """The words for a pod that fits nowhere."""
        outcome = self.decider.decide(self.cycle(obj))
        assert isinstance(outcome, Diagnosis), f"the pod goes to {outcome}"
        return outcome.message

    def resolvable(self, obj: Object) -> set[str]:
        """The nodes where removing pods may help a pod that fits nowhere."""
        outcome = self.decider.decide(self.cycle(obj))
        assert isinstance(outcome, Diagnosis), f"the pod goes to {outcome}"
        if outcome.resolvable is None:
            return set()
        return {self.cluster.nodes.names[slot] for slot in np.flatnonzero(outcome.resolvable)}

    def scores(self, obj: Object, plugin: str) -> dict[str, int]:
        """What one plugin says of the nodes that fit; 0 for all if it has no opinion."""
        cycle = self.cycle(obj)
        assert prepare(self.profile, cycle) is None
        mask = feasible(self.profile, cycle, self.cluster.nodes.rows)
        slots = np.flatnonzero(mask)
        names = [self.cluster.nodes.names[slot] for slot in slots]
        found = next(item for item, _ in self.profile.score if item.name == plugin)  # type: ignore[attr-defined]
        scores = found.score(cycle, Candidates(slots, len(slots)))
        if scores is None:
            return dict.fromkeys(names, 0)
        assert all(0 <= score <= 100 for score in scores)
        assert all(int(score) == score for score in scores)
        return {name: int(score) for name, score in zip(names, scores, strict=True)}

    def chosen(self, obj: Object, times: int = 1) -> set[str]:
        """Where the pod goes, tried that many times."""
        found = [self.decider.decide(self.cycle(obj)) for _ in range(times)]
        assert all(isinstance(outcome, str) for outcome in found)
        return {str(outcome) for outcome in found}

    def _spawn(self, work: Any, name: str) -> None:
        work.close()
        self.spawned.append(name)
