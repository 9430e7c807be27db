"""Which old pods are replaced next, within `maxUnavailable` or `maxSurge`; a pure decision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting
from cloudk8s.controllers.daemon_set.pods import is_updated
from cloudk8s.controllers.daemon_set.settings import max_surge, max_unavailable, min_ready_seconds
from cloudk8s.controllers.daemon_set.upkeep import Plan
from cloudk8s.controllers.pods import is_available


@dataclass(slots=True)
class Update:
    """One step of a rolling update; `runs_on` is whether a node should have a pod."""

    daemon_set: Object
    hash: str
    now: datetime
    runs_on: Callable[[str], bool]

    def plan(self, nodes: Mapping[str, Sequence[Object]], desired: int) -> Plan:
        """Decide; `nodes` are the pods by node, with an empty entry for a node that lacks one."""
        surge = max_surge(self.daemon_set, desired)
        if surge:
            return self._surge(nodes, surge, desired)
        return self._replace(nodes, max_unavailable(self.daemon_set, desired))

    def _replace(self, nodes: Mapping[str, Sequence[Object]], allowed: int) -> Plan:
        """Delete old pods: those that do no work at once, others as far as allowed beside all that do none."""
        unavailable = 0
        broken: list[Object] = []
        candidates: list[Object] = []
        for pods in nodes.values():
            found = self._sorted(pods)
            if found is None or (found.new is None) == (found.old is None):
                unavailable += 1
            elif found.new is not None:
                unavailable += not self._is_available(found.new)
            elif found.old is not None and self._is_available(found.old):
                candidates.append(found.old)
            elif found.old is not None:
                unavailable += 1
                broken.append(found.old)
        return Plan(pods=broken + candidates[: max(0, allowed - unavailable)])

    def _surge(self, nodes: Mapping[str, Sequence[Object]], surge: int, desired: int) -> Plan:
        """Make new pods beside old ones, and delete the old one where the new one is available."""
        tally = _Surge()
        for node, pods in nodes.items():
            found = self._sorted(pods)
            if found is None:
                tally.surging += 1
                continue
            standing = found.old or found.new
            tally.available += standing is not None and self._is_available(standing)
            if found.old is not None:
                self._surge_node(tally, node, found.old, found.new)
        plan = Plan(pods=tally.spent)
        plan.pods += tally.misplaced[: max(0, tally.available - desired)]
        plan.nodes = tally.broken + tally.candidates[: max(0, surge - tally.surging)]
        return plan

    def _surge_node(self, tally: _Surge, node: str, old: Object, new: Object | None) -> None:
        if new is not None:
            if self._is_available(new):
                tally.spent.append(old)
            else:
                tally.surging += 1
        elif self._is_available(old):
            if self.runs_on(node):
                tally.candidates.append(node)
            else:
                tally.misplaced.append(old)
        elif self.runs_on(node):
            tally.broken.append(node)
        else:
            tally.spent.append(old)

    def _sorted(self, pods: Sequence[Object]) -> _Pair | None:
        """The node's new and old pod; None if it has several of a kind, which upkeep will settle first."""
        staying = [pod for pod in pods if not is_deleting(pod)]
        new = [pod for pod in staying if is_updated(self.daemon_set, pod, self.hash)]
        old = [pod for pod in staying if not is_updated(self.daemon_set, pod, self.hash)]
        if len(new) > 1 or len(old) > 1:
            return None
        return _Pair(new[0] if new else None, old[0] if old else None)

    def _is_available(self, pod: Object) -> bool:
        return is_available(pod, min_ready_seconds(self.daemon_set), self.now)


@dataclass(frozen=True, slots=True)
class _Pair:
    new: Object | None
    old: Object | None


@dataclass(slots=True)
class _Surge:
    surging: int = 0
    available: int = 0
    spent: list[Object] = field(default_factory=list)
    misplaced: list[Object] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    candidates: list[str] = field(default_factory=list)
