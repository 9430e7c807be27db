"""ClusterRoles with an `aggregationRule` hold the rules of all ClusterRoles that it selects."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CLUSTER_ROLES
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import Conflict, NotFound
from cloudk8s.machinery import labels


class ClusterRoleAggregationController:
    """Fills `admin`, `edit`, `view` and whatever else aggregates; any change of a role may concern any of them."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue(
            "ClusterRoleAggregator", clock=context.clock, instruments=context.instruments
        )
        self._roles = context.informers.of(CLUSTER_ROLES)
        self._roles.add_handler(self._role_changed)

    async def run(self) -> None:
        await run_workers(self._queue, self._context.options.concurrent_syncs, self._reconcile)

    def _role_changed(self, old: Object | None, new: Object | None) -> None:
        for role in self._roles.list():
            if role.get("aggregationRule"):
                self._queue.add(name_of(role))

    async def _reconcile(self, name: str) -> timedelta | None:
        role = self._roles.get(name)
        if role is None or not role.get("aggregationRule"):
            return None
        rules = self._gathered(role)
        if rules == (role.get("rules") or []):
            return None
        try:
            await self._context.client.update(CLUSTER_ROLES, {**role, "rules": rules})
        except NotFound:
            return None
        except Conflict:
            return timedelta(seconds=1)  # the informer has not caught up
        return None

    def _gathered(self, role: Object) -> list[dict[str, Any]]:
        """Rules in the order of their roles' names, each once."""
        found: list[dict[str, Any]] = []
        for raw in role["aggregationRule"].get("clusterRoleSelectors") or ():
            selector = labels.from_object(raw)
            selected = [each for each in self._roles.list() if selector.matches(labels_of(each))]
            for each in sorted(selected, key=name_of):
                if name_of(each) != name_of(role):
                    found += [rule for rule in each.get("rules") or () if rule not in found]
        return found
