"""What decides about the pods of one profile; one attempt in so many is measured."""

from __future__ import annotations

import random

from cloudk8s.machinery.clock import Clock
from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.framework.deciding import Decider
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.framework.timing import Sampler
from cloudk8s.scheduler.metrics import SAMPLE, SchedulerMetrics


class Lane:
    """A profile, its decider, and the same with plugins that are measured."""

    def __init__(self, profile: Profile, cluster: Cluster, nominations: Nominations, generator: random.Random) -> None:
        self.profile = profile
        self.decider = Decider(profile, cluster, nominations, generator)
        self._cluster, self._nominations, self._generator = cluster, nominations, generator
        self._left = SAMPLE

    def measure(self, metrics: SchedulerMetrics, clock: Clock) -> None:
        """The profile is complete: make what is measured."""
        self.sampler = Sampler(self.profile, metrics, clock)
        self._sampled = Decider(self.sampler.profile, self._cluster, self._nominations, self._generator)

    def take(self) -> tuple[Profile, Decider, Sampler | None]:
        """What the next attempt is made with; with a sampler if it is to be measured."""
        self._left -= 1
        if self._left:
            return self.profile, self.decider, None
        self._left = SAMPLE
        return self.sampler.profile, self._sampled, self.sampler
