"""The cloud controllers with a real provider inside, on the world's clock: what a cluster's user sees, but for the
API server's process. Every call of the provider is noted, and can be made to fail.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import SERVICES
from cloudk8s.cloud.model.instance import Instance, NodeRef
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.recording_cloud import Recorder
from cloudk8s.testing.watched import WatchedInstances, WatchedLoadBalancers, WatchedRoutes

TAINT = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}


class Stage:
    """One cluster with one cloud. `needs` names the contracts that a check can't do without."""

    def __init__(self, world: World, *needs: str, **settings: Any) -> None:
        for contract in needs:
            if getattr(world, contract)() is None:
                pytest.skip(f"this provider has no {contract.replace('_', ' ')}")
        self.world = world
        self.harness = CloudHarness(clock=world.clock, cluster=world.cluster, **settings)
        self.client = self.harness.client
        self.calls = Recorder()
        self._attach()

    def _attach(self) -> None:
        instances, routes, balancers = self.world.instances(), self.world.routes(), self.world.load_balancers()
        self.harness.clouds.clear()
        self.harness.attach(
            "cloud", self.world.provider,
            instances=WatchedInstances(instances, self.calls) if instances else None,
            routes=WatchedRoutes(routes, self.calls) if routes else None,
            load_balancers=WatchedLoadBalancers(balancers, self.calls) if balancers else None,
        )  # fmt: skip

    @asynccontextmanager
    async def running(self, *only: str) -> AsyncIterator[None]:
        """Run controllers with a fresh provider, as after a restart, and let the cloud do its part."""
        self._attach()
        async with self.harness.running(*only):
            await self.settle()
            yield

    async def settle(self, seconds: float = 20) -> None:
        """Let the cloud and the controllers come to rest."""
        for _ in range(3):
            self.world.settle()
            await self.harness.settle(seconds)

    def start(self, name: str, **node: Any) -> NodeRef:
        """An instance, and its node in the cluster; `provider_id=""` is a node that nobody has described yet."""
        ref = self.world.start_instance(name)
        given = {"provider_id": ref.provider_id, "addresses": addresses(ref), **node}
        self.client.add(make_node(name, **given))
        return ref

    def describe(self, ref: NodeRef) -> Instance:
        """What the provider says of a node, behind the controllers' back."""
        instances = self.world.instances()
        assert instances is not None
        return instances.describe([ref])[ref.name]

    def add_service(self, name: str = "web", **spec: Any) -> Object:
        return self.client.add(make_service(name, **spec))

    async def change(self, patch: dict[str, Any], name: str = "web") -> None:
        """Change a Service as a user would."""
        await self.client.patch(SERVICES, name, patch, namespace="default")

    async def delete_service(self, name: str = "web") -> None:
        await self.client.delete(SERVICES, name, namespace="default")

    def service(self, name: str = "web") -> Object:
        return self.harness.service(name)

    def condition(self, name: str = "web") -> tuple[str, str]:
        """Status and reason of a Service's condition."""
        entry = self.service(name)["status"]["conditions"][0]
        return entry["status"], entry["reason"]

    def members(self) -> Sequence[str]:
        """Names of the nodes that the last call for a load balancer was given."""
        last = [call.argument for call in self.calls.calls if call.method in ("ensure", "update_targets")][-1]
        request = last[0] if isinstance(last, (list, tuple)) else last
        return [node.name for node in request.nodes]

    def count(self, *methods: str) -> int:
        """How many calls of these methods were made."""
        return sum(call.method in methods for call in self.calls.calls)


def addresses(ref: NodeRef) -> list[tuple[str, str]]:
    """A node's addresses as `make_node` takes them."""
    return [(entry.type, entry.address) for entry in ref.addresses]


def with_nodes(world: World, **settings: Any) -> Stage:
    """A stage with two nodes, for Services."""
    stage = Stage(world, "load_balancers", **settings)
    for number in (1, 2):
        stage.start(f"n{number}")
    return stage
