"""Checks of `LoadBalancers`."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from cloudk8s.cloud.interface import LoadBalancers, PlansLoadBalancers
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, LoadBalancerStatus, ServiceKey, ServicePort
from cloudk8s.errors import CloudNotFound, RetryLater
from cloudk8s.testing.contract.world import World

OTHER = "7a1b2c3d-4e5f-4a6b-8c7d-000000000002"


class TestLoadBalancers:
    """Converge, cheaply; leave nothing behind."""

    @pytest.fixture
    def balancers(self, world: World) -> LoadBalancers:
        return require(world)

    @pytest.fixture
    def nodes(self, world: World) -> list[NodeRef]:
        return [world.start_instance(f"n{number}") for number in (1, 2, 3)]

    def test_it_is_made_and_says_where_it_is_reached(
        self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]
    ) -> None:
        status = ensure(world, balancers, world.request(nodes=nodes))
        assert status.ingress
        for ingress in status.ingress:
            assert bool(ingress.ip) != bool(ingress.hostname)
            assert not ingress.ip_mode or ingress.ip
            assert not _is_address(ingress.hostname)

    def test_ensuring_again_changes_nothing(self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        first = ensure(world, balancers, request)
        before, there = world.mutations(), set(world.left())
        assert ensure(world, require(world), request).ingress == first.ingress
        assert world.mutations() == before
        assert set(world.left()) == there

    def test_describe_returns_what_was_ensured(
        self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]
    ) -> None:
        request = world.request(nodes=nodes)
        status = ensure(world, balancers, request)
        state = require(world).describe([request.service])[request.service.uid]
        assert (state.digest, state.targets_digest) == digests(balancers, request)
        assert state.status.ingress == status.ingress

    def test_what_is_not_there_is_not_described(self, balancers: LoadBalancers) -> None:
        assert balancers.describe([ServiceKey("nobody", "default", "nothing")]) == {}
        assert balancers.describe([]) == {}

    def test_describing_many_costs_no_more_than_a_few(self, world: World, balancers: LoadBalancers) -> None:
        requests = [world.request(f"{number}{OTHER[2:]}", name=f"web-{number}") for number in range(10, 16)]
        for request in requests:
            ensure(world, balancers, request)
        before = world.reads()
        balancers.describe([request.service for request in requests[:2]])
        few = world.reads() - before
        assert len(balancers.describe([request.service for request in requests])) == 6
        assert world.reads() - before - few <= few

    def test_members_change_without_the_rest(
        self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]
    ) -> None:
        ensure(world, balancers, world.request(nodes=nodes[:2]))
        there = set(world.left())
        request = world.request(nodes=nodes[1:])
        assert balancers.update_targets([request]) == {}
        state = balancers.describe([request.service])[request.service.uid]
        assert state.targets_digest == digests(balancers, request)[1]
        assert set(world.left()) == there
        before = world.mutations()
        ensure(world, balancers, request)
        assert world.mutations() == before

    def test_no_members_at_all_is_fine(self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]) -> None:
        assert ensure(world, balancers, world.request()).ingress
        ensure(world, balancers, world.request(nodes=nodes))
        assert balancers.update_targets([world.request()]) == {}

    def test_updating_what_is_not_there_is_not_found(self, world: World, balancers: LoadBalancers) -> None:
        request = world.request()
        assert isinstance(balancers.update_targets([request])[request.service.uid], CloudNotFound)
        assert not world.left()

    def test_ports_come_and_go(self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]) -> None:
        if balancers.capabilities.max_ports == 1:
            pytest.skip("this provider's load balancers have one port")
        http, https = ServicePort(80, 30080, name="http"), ServicePort(443, 30443, name="https")
        first = ensure(world, balancers, world.request(ports=[http], nodes=nodes))
        one = len(world.left())
        second = ensure(world, balancers, world.request(ports=[http, https], nodes=nodes))
        assert second.ingress == first.ingress
        assert len(world.left()) > one
        ensure(world, balancers, world.request(ports=[http], nodes=nodes))
        assert len(world.left()) == one

    def test_a_changed_node_port_leaves_nothing_behind(
        self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]
    ) -> None:
        ensure(world, balancers, world.request(nodes=nodes))
        one = len(world.left())
        ensure(world, balancers, world.request(ports=[ServicePort(80, 31111, name="http")], nodes=nodes))
        assert len(world.left()) == one

    def test_deletion_leaves_nothing(self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        ensure(world, balancers, request)
        delete(world, balancers, request.service)
        assert not world.left()

    def test_deleting_what_is_not_there_is_success(self, world: World, balancers: LoadBalancers) -> None:
        before = world.mutations()
        balancers.delete(world.request().service)
        assert world.mutations() == before

    def test_services_do_not_touch_each_other(
        self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]
    ) -> None:
        mine, other = world.request(nodes=nodes), world.request(OTHER, nodes=nodes)
        ensure(world, balancers, mine)
        alone = len(world.left())
        ensure(world, balancers, other)
        delete(world, balancers, other.service)
        assert len(world.left()) == alone
        before = world.mutations()
        ensure(world, balancers, mine)
        assert world.mutations() == before

    def test_a_recreated_service_of_the_same_name_gets_its_own(
        self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]
    ) -> None:
        old, new = world.request(nodes=nodes), world.request(OTHER, nodes=nodes)
        ensure(world, balancers, old)
        ensure(world, balancers, new)
        assert set(balancers.describe([old.service, new.service])) == {old.service.uid, new.service.uid}
        delete(world, balancers, old.service)
        assert set(balancers.describe([old.service, new.service])) == {new.service.uid}

    def test_everything_owned_is_listed(self, world: World, balancers: LoadBalancers) -> None:
        for uid in (world.request().service.uid, OTHER):
            ensure(world, balancers, world.request(uid))
        owned = {state.service.uid: state.service for state in require(world).list_owned()}
        assert set(owned) == {world.request().service.uid, OTHER}
        if balancers.capabilities.stores_digests:  # who can note a digest can note a name
            assert (owned[OTHER].namespace, owned[OTHER].name) == ("default", "web")

    def test_drift_is_repaired(self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        ensure(world, balancers, request)
        whole = len(world.left())
        removed = world.remove_part()
        ensure(world, require(world), request)
        assert len(world.left()) == whole, f"{removed} was not made again"

    def test_a_plan_says_what_ensure_does(self, world: World, balancers: LoadBalancers, nodes: list[NodeRef]) -> None:
        if not isinstance(balancers, PlansLoadBalancers):
            pytest.skip("this provider does not plan")
        request = world.request(nodes=nodes)
        before = world.mutations()
        plan = balancers.plan(request)
        assert world.mutations() == before
        assert plan.counts["create"] == len(plan.mutations) > 0
        ensure(world, balancers, request)
        assert balancers.plan(request).is_empty

    def test_an_equal_request_from_another_process_has_the_same_digest(self, world: World) -> None:
        assert world.request().digest == replace(world.request()).digest
        assert world.request().digest != world.request(annotations={"a": "b"}).digest


def digests(balancers: LoadBalancers, request: LoadBalancerRequest) -> tuple[str, str]:
    """What `describe` must say of a load balancer that is as requested."""
    return (request.digest, request.targets_digest) if balancers.capabilities.stores_digests else ("", "")


def require(world: World) -> LoadBalancers:
    """A fresh contract, or a skipped test."""
    balancers = world.load_balancers()
    if balancers is None:
        pytest.skip("this provider has no load balancers")
    return balancers


def ensure(world: World, balancers: LoadBalancers, request: LoadBalancerRequest) -> LoadBalancerStatus:
    """Ensure, and wait as the controller does."""
    for _ in range(50):
        try:
            status = balancers.ensure(request)
        except RetryLater:
            world.settle()
        else:
            return status
    raise AssertionError("the load balancer is still not ready after 50 tries")


def delete(world: World, balancers: LoadBalancers, service: ServiceKey) -> None:
    """Delete, and wait as the controller does."""
    for _ in range(50):
        try:
            balancers.delete(service)
        except RetryLater:
            world.settle()
        else:
            return
    raise AssertionError("the load balancer is still not gone after 50 tries")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
