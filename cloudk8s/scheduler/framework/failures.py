"""Failures are remembered for pods of the same shape: while nothing changes, the next one fails just the same."""

from __future__ import annotations

from cloudk8s.scheduler.cluster.cluster import Cluster
from cloudk8s.scheduler.framework.diagnosis import Diagnosis
from cloudk8s.scheduler.framework.nominations import Nominations
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.pod.pod import Pod

_NAME = "failure"


class Failures:
    """Remembers only what depends on the shape and the cluster alone; plugins say of themselves whether they do."""

    def __init__(self, cluster: Cluster, nominations: Nominations) -> None:
        self._cluster = cluster
        self._nominations = nominations

    def recall(self, pod: Pod) -> Diagnosis | None:
        """What became of the last pod of this shape, if the same would become of this one."""
        known = pod.shape.memo.get(_NAME)
        if known is None or self._nominations.node_of(pod.key):
            return None
        version, diagnosis = known
        return diagnosis if version == self._version() else None

    def keep(self, pod: Pod, profile: Profile, diagnosis: Diagnosis) -> None:
        """A pod has failed, and no room is being made for it."""
        shape = pod.shape
        if not diagnosis.pre_filter and not shape.volumes and not shape.claims and profile.goes_by_shape:
            shape.memo[_NAME] = (self._version(), diagnosis)

    def _version(self) -> tuple[int, int]:
        return self._cluster.version, self._nominations.version
