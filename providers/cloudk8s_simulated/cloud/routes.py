"""Routes of the simulated cloud: one table, one entry for each destination."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.cloud.stack.resource import CLUSTER_TAG
from cloudk8s.plugin import CloudError, Failures, NodeRef, Route, RouteCapabilities
from cloudk8s_simulated.cloud.account import Account, Taken
from cloudk8s_simulated.cloud.instances import instance_id


class SimulatedRoutes:
    """A route points at an instance; when that is gone the route is a blackhole."""

    def __init__(self, account: Account, *, cluster: str) -> None:
        self._account = account
        self._tags = {CLUSTER_TAG: cluster}

    @property
    def capabilities(self) -> RouteCapabilities:
        return RouteCapabilities(ip_families=frozenset({"IPv4", "IPv6"}), batch=50)

    def list(self, nodes: Sequence[NodeRef]) -> Sequence[Route]:
        names = {_target(node.name, node.provider_id): node.name for node in nodes}
        routes = self._account.list("route", self._tags)
        targets = [thing.properties["target"] for thing in routes if not thing.properties["target"].startswith("name:")]
        living = self._account.get(targets) if targets else {}
        return [
            Route(
                thing.properties["destination"],
                names.get(target := thing.properties["target"], ""),
                is_blackhole=not target.startswith("name:") and target not in living,
                id=thing.id,
            )
            for thing in routes
        ]

    def create(self, routes: Sequence[Route]) -> Failures:
        failed = {}
        for route in routes:
            try:
                self._upsert(route)
            except CloudError as error:
                failed[route.key] = error
        return failed

    def delete(self, routes: Sequence[Route]) -> Failures:
        self._account.delete(route.id for route in routes)
        return {}

    def _upsert(self, route: Route) -> None:
        target = _target(route.node, route.provider_id)
        try:
            self._account.create("route", {"destination": route.destination, "target": target}, self._tags)
        except Taken as taken:
            self._account.update(taken.id, {"target": target})


def _target(name: str, provider_id: str) -> str:
    return instance_id(provider_id) or f"name:{name}"
