"""S21: the process dies after every single call; the next one converges, makes nothing twice, and leaks nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from cloudk8s.cloud.interface import LoadBalancers, Machines, Routes
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import LoadBalancerRequest, ServicePort
from cloudk8s.errors import CloudError
from cloudk8s.testing.contract.load_balancers import delete, ensure, require
from cloudk8s.testing.contract.machines import alive
from cloudk8s.testing.contract.machines import request as machine_request
from cloudk8s.testing.contract.machines import require as machines_of
from cloudk8s.testing.contract.routes import route, targets
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.faults import Crash

AT_MOST = 60
"""More calls than any single act of a sound provider makes."""


class TestCrashes:
    """Crash points of load balancers."""

    @pytest.fixture
    def nodes(self, world: World) -> list[NodeRef]:
        require(world)
        return [world.start_instance(f"n{number}") for number in (1, 2)]

    def test_a_crash_after_any_call_of_ensure_converges(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)

        def act(balancers: LoadBalancers) -> None:
            ensure(world, balancers, request)

        whole = _clean_result(world, act)

        def check() -> None:
            assert len(world.left()) == whole
            delete(world, require(world), request.service)
            assert not world.left()

        _crash_everywhere(world, act, check)

    def test_a_crash_after_any_call_of_a_change_converges(self, world: World, nodes: list[NodeRef]) -> None:
        before = world.request(nodes=nodes[:1])
        ports = [ServicePort(80, 31080), ServicePort(443, 31443, name="s")]
        most = require(world).capabilities.max_ports or len(ports)
        after = world.request(ports=ports[:most], nodes=nodes)

        def change(balancers: LoadBalancers) -> None:
            ensure(world, balancers, after)

        whole = _clean_result(world, change)

        def prepare() -> None:
            ensure(world, require(world), before)

        def check() -> None:
            assert len(world.left()) == whole
            delete(world, require(world), after.service)
            assert not world.left()

        _crash_everywhere(world, change, check, prepare)

    def test_a_crash_after_any_call_of_delete_leaves_nothing(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)

        def act(balancers: LoadBalancers) -> None:
            delete(world, balancers, request.service)

        def prepare() -> None:
            ensure(world, require(world), request)

        def check() -> None:
            assert not world.left()

        _crash_everywhere(world, act, check, prepare)

    def test_a_deletion_after_a_crash_of_ensure_leaves_nothing(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        for call in range(1, AT_MOST):
            world.crash_after(call)
            survived = _survives(lambda: ensure(world, require(world), request))
            world.crash_after(0)
            delete(world, require(world), request.service)
            assert not world.left()
            if survived:
                return

    def test_lost_answers_make_nothing_twice(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)

        def act(balancers: LoadBalancers) -> None:
            ensure(world, balancers, request)

        whole = _clean_result(world, act)
        world.lose_answers(0.3)
        _until_it_works(lambda: ensure(world, require(world), request))
        world.lose_answers(0)
        ensure(world, require(world), request)
        assert len(world.left()) == whole
        world.lose_answers(0.3)
        _until_it_works(lambda: delete(world, require(world), request.service))
        world.lose_answers(0)
        delete(world, require(world), request.service)
        assert not world.left()

    def test_throttled_calls_converge(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        whole = _clean_result(world, lambda balancers: _ensure(world, balancers, request))
        world.throttle(0.3)
        _until_it_works(lambda: ensure(world, require(world), request))
        assert len(world.left()) == whole
        _until_it_works(lambda: delete(world, require(world), request.service))
        world.throttle(0)
        assert not world.left()

    def test_stale_listings_after_a_crash_make_nothing_twice(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        whole = _clean_result(world, lambda balancers: _ensure(world, balancers, request))
        for call in range(1, AT_MOST):
            world.lag(45)
            world.crash_after(call)
            survived = _survives(lambda: ensure(world, require(world), request))
            world.crash_after(0)
            _until_it_works(lambda: ensure(world, require(world), request))
            world.lag(0)
            ensure(world, require(world), request)
            assert len(world.left()) == whole
            delete(world, require(world), request.service)
            assert not world.left()
            if survived:
                return

    def test_deletion_goes_on_once_nothing_uses_the_parts_any_more(self, world: World, nodes: list[NodeRef]) -> None:
        request = world.request(nodes=nodes)
        for refused in (1, 2, 5):
            ensure(world, require(world), request)
            world.refuse_deletes(refused)
            _until_it_works(lambda: delete(world, require(world), request.service))
            world.refuse_deletes(0)
            delete(world, require(world), request.service)
            assert not world.left()


class TestCrashesOfMachines:
    """Crash points of machines."""

    @pytest.fixture
    def machines(self, world: World) -> Machines:
        return machines_of(world)

    def test_a_crash_after_any_call_makes_no_machine_twice(self, world: World, machines: Machines) -> None:
        for call in range(1, AT_MOST):
            wanted = [machine_request(world, 10 * call), machine_request(world, 10 * call + 1)]
            world.crash_after(call)
            survived = _survives(partial(machines_of(world).create, wanted))
            world.crash_after(0)
            machines_of(world).create(wanted)
            world.settle()
            assert alive(machines, world) == {entry.uid for entry in wanted}
            assert len([m for m in machines.list_owned(world.cluster) if m.state not in ("gone", "deleting")]) == 2
            machines.delete(machines.list_owned(world.cluster))
            world.settle()
            if survived:
                return

    def test_a_crash_after_any_call_of_delete_leaves_no_machine(self, world: World, machines: Machines) -> None:
        for call in range(1, AT_MOST):
            machines.create([machine_request(world, 10 * call), machine_request(world, 10 * call + 1)])
            world.settle()
            doomed = machines.list_owned(world.cluster)
            world.crash_after(call)
            survived = _survives(partial(machines_of(world).delete, doomed))
            world.crash_after(0)
            machines_of(world).delete(doomed)
            world.settle()
            assert alive(machines, world) == set()
            if survived:
                return


class TestCrashesOfRoutes:
    """Crash points of routes."""

    def test_a_crash_after_any_call_leaves_the_routes_that_are_wanted(self, world: World) -> None:
        if world.routes() is None:
            pytest.skip("this provider has no routes")
        nodes = [world.start_instance(f"n{number}") for number in (1, 2)]
        wanted = [route(nodes[0], 1), route(nodes[1], 2)]

        def routes() -> Routes:
            found = world.routes()
            assert found is not None
            return found

        for call in range(1, AT_MOST):
            world.crash_after(call)
            survived = _survives(lambda: routes().create(wanted))
            world.crash_after(0)
            assert routes().create(wanted) == {}
            assert targets(routes(), nodes) == {"10.244.1.0/24": "n1", "10.244.2.0/24": "n2"}
            world.crash_after(call)
            survived = _survives(lambda: routes().delete(routes().list(nodes))) and survived
            world.crash_after(0)
            routes().delete([entry for entry in routes().list(nodes) if entry.destination.startswith("10.244.")])
            assert targets(routes(), nodes) == {}
            if survived:
                return


def _ensure(world: World, balancers: LoadBalancers, request: LoadBalancerRequest) -> None:
    ensure(world, balancers, request)


def _survives(act: Callable[[], object]) -> bool:
    """Whether the process lives through it; errors are none of a crash."""
    try:
        act()
    except Crash:
        return False
    except CloudError:
        return True
    return True


def _clean_result(world: World, act: Callable[[LoadBalancers], None]) -> int:
    """How many things there are when nothing goes wrong; the world is empty again afterwards."""
    act(require(world))
    whole = len(world.left())
    for state in require(world).list_owned():
        delete(world, require(world), state.service)
    assert not world.left()
    return whole


def _crash_everywhere(
    world: World, act: Callable[[LoadBalancers], None], check: Callable[[], None],
    prepare: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """For n = 1, 2, …: prepare, die after the n-th mutating call, act again with a fresh provider, check."""
    for call in range(1, AT_MOST):
        prepare()
        world.crash_after(call)
        try:
            act(require(world))
            survived = True
        except Crash:
            survived = False
        world.crash_after(0)
        act(require(world))
        check()
        if survived:
            assert call > 1, "the act made no mutating call at all"
            return
    raise AssertionError(f"an act of more than {AT_MOST} calls")


def _until_it_works(act: Callable[[], object]) -> Sequence[CloudError]:
    errors: list[CloudError] = []
    for _ in range(100):
        try:
            act()
        except CloudError as error:
            errors.append(error)
        else:
            return errors
    raise AssertionError(f"never worked: {errors[-1]}")
