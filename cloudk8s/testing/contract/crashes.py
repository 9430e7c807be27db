"""S21: the process dies after every single call; the next one converges, makes nothing twice, and leaks nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from cloudk8s.cloud.interface import LoadBalancers
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.cloud.model.load_balancer import ServicePort
from cloudk8s.errors import CloudError
from cloudk8s.testing.contract.load_balancers import delete, ensure, require
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
