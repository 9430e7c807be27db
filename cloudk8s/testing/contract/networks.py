"""Checks of `Networks`."""

from __future__ import annotations

import json

import pytest

from cloudk8s.cloud.interface import Networks
from cloudk8s.cloud.model.network import NetworkRequest
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.resource import Stack
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Crash


class TestNetworks:
    """A pure stack; applied it is there, deleted it is not."""

    @pytest.fixture
    def networks(self, world: World) -> Networks:
        return require(world)

    def test_the_stack_is_pure_and_serialises(self, world: World, networks: Networks) -> None:
        wanted = request(world)
        before = world.mutations() + world.reads()
        stack = networks.stack(wanted)
        assert world.mutations() + world.reads() == before
        assert Stack.from_dict(json.loads(json.dumps(stack.as_dict()))).digest == stack.digest
        assert networks.stack(request(world)).digest == stack.digest

    def test_it_is_made_and_says_where_the_api_is(self, world: World, networks: Networks) -> None:
        outcome = apply(world, networks)
        network = networks.outputs(request(world), outcome)
        assert network.is_ready
        assert network.endpoint.endswith(":6443") or not networks.capabilities.api_load_balancer
        assert network.attachments

    def test_applying_again_changes_nothing(self, world: World, networks: Networks) -> None:
        apply(world, networks)
        before = world.mutations()
        apply(world, require(world))
        assert world.mutations() == before

    def test_deletion_leaves_nothing(self, world: World, networks: Networks) -> None:
        apply(world, networks)
        stack = networks.stack(request(world))
        engine(world, networks).converge(Stack(stack.owner), timeout=3600)
        assert not world.left()

    def test_a_crash_after_any_call_converges(self, world: World, networks: Networks) -> None:
        owner = networks.stack(request(world)).owner
        for call in range(1, 200):
            world.crash_after(call)
            try:
                apply(world, require(world))
                survived = True
            except Crash:
                survived = False
            world.crash_after(0)
            apply(world, require(world))
            stack = networks.stack(request(world))
            assert engine(world, networks).plan(stack).is_empty
            engine(world, networks).converge(Stack(owner), timeout=3600)
            assert not world.left()
            if survived:
                return
        raise AssertionError("a network of more than 200 calls")


def require(world: World) -> Networks:
    """A fresh contract, or a skipped test."""
    networks = world.networks()
    if networks is None:
        pytest.skip("this provider has no networks")
    return networks


def request(world: World) -> NetworkRequest:
    """One zone of those there are."""
    return NetworkRequest(world.cluster, "cluster-uid", zones=require(world).capabilities.zones[:1])


class _SettlingTimer(VirtualTimer):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self._world.settle()


def engine(world: World, networks: Networks) -> Engine:
    """An engine that waits by letting the world settle."""
    return Engine(networks.resource_types(), retries=Retries(timer=_SettlingTimer(world)), concurrency=1)


def apply(world: World, networks: Networks) -> Observation:
    return engine(world, networks).converge(networks.stack(request(world)), timeout=3600).observation
