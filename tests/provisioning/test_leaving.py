"""Machines that go are emptied for as long as is declared, by whatever process; those that stay are opened again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.errors import TooManyRequests
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.provisioning.bootstrap.native import native
from cloudk8s.provisioning.leaving import Leaving, Remedied
from cloudk8s.provisioning.machines.decision import Decision, Deletion
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.membership import Membership
from cloudk8s.provisioning.nodes.closing import EMPTYING
from cloudk8s.provisioning.nodes.reading import state_of
from tests.provisioning.harness import SimulatedCloud, declaration, workers
from tests.provisioning.objects.fake_api import FakeApi

NODE = "demo-workers-0"
GOES_ANYWAY = f"node {NODE}"


class Guarded(FakeApi):
    """A node whose only pod a disruption budget protects."""

    def __init__(self, *, closed: bool = False) -> None:
        super().__init__()
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        spec = {"unschedulable": True} if closed else {}
        self._keep(NODES, {"metadata": {"name": NODE}, "spec": spec, "status": ready})
        pod = {"name": "web", "namespace": "shop"}
        self._keep(PODS, {"metadata": pod, "spec": {"nodeName": NODE}, "status": {"phase": "Running"}})

    def create(self, resource: Resource, obj: Object, *, name: str = "", subresource: str = "") -> Object:
        raise TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.")

    @property
    def node(self) -> Object:
        return self.objects[NODES][NODE]

    def is_closed(self) -> bool:
        return bool(self.node["spec"].get("unschedulable"))


class World:
    """A cluster whose pods may take a minute to leave; every look is that of another process."""

    def __init__(self, api: Guarded, drain_timeout: str = "PT1M") -> None:
        self.api, self.cloud, self.clock = api, SimulatedCloud(), FakeClock()
        self.declared = declaration(pools=workers(1, rollout={"drainTimeout": drain_timeout}))

    def passes(self, time: timedelta) -> None:
        self.clock = FakeClock(self.clock.now() + time)

    def leaving(self) -> Leaving:
        site = replace(self.cloud.site(), clock=self.clock)
        return Leaving(site, self.declared, native({}), Membership(), self.api)  # type: ignore[arg-type]

    @property
    def view(self) -> MachineView:
        machine = Machine("i-1", "u-1", NODE, "demo", "running", pool="workers")
        return MachineView(machine, state_of(self.api.node), needs_node=True)

    def keeps(self) -> str:
        """What keeps the machine, after one look."""
        _, waiting = self.leaving().emptied([self.view])
        return waiting.get(f"machine {NODE}", "")

    def told(self) -> list[str]:
        return [event.detail for event in self.cloud.events if event.subject == GOES_ANYWAY]


def test_what_a_budget_protects_is_waited_for_as_long_as_declared_however_often_processes_change() -> None:
    world = World(Guarded())
    for _ in range(6):
        assert world.keeps() == f"a disruption budget keeps shop/web on {NODE}"
        assert world.api.is_closed()
        world.passes(timedelta(seconds=12))
    assert world.keeps() == ""
    assert world.told() == ["is not empty after 60 s; it goes anyway"]


def test_zero_is_for_ever() -> None:
    world = World(Guarded(), "PT0S")
    world.keeps()
    world.passes(timedelta(days=9))
    assert world.keeps() == f"a disruption budget keeps shop/web on {NODE}"


def test_a_machine_that_is_to_stay_after_all_takes_pods_again_and_has_its_whole_time_later() -> None:
    world = World(Guarded())
    world.keeps()
    world.leaving().reopen([world.view], {"i-1"})
    assert world.api.is_closed(), "it still goes"
    world.leaving().reopen([world.view], set())
    assert not world.api.is_closed()
    world.passes(timedelta(hours=1))
    assert world.keeps() == f"a disruption budget keeps shop/web on {NODE}"
    assert world.told() == []


def test_a_node_that_somebody_else_has_closed_stays_closed() -> None:
    world = World(Guarded(closed=True))
    world.leaving().reopen([world.view], set())
    world.keeps()
    world.leaving().reopen([world.view], set())
    assert world.api.is_closed()
    assert EMPTYING not in world.api.node["metadata"]["annotations"]
    assert world.api.writes.count(f"patch Node {NODE}") == 3


def remedies(known: Remedied, number: int, *, most: int = 2) -> dict[str, str]:
    """One turn, by a process of its own, in which another machine is not well; what then waits."""
    world = World(Guarded())
    sick = replace(world.view, machine=replace(world.view.machine, id=f"i-{number}"))
    leaving = world.leaving()
    leaving.known = known
    decision = Decision(
        "workers", delete=(Deletion(sick, "is replaced: it is not a node", is_remedy=True),), most_remedies=most,
        is_settled=False,
    )  # fmt: skip
    going, waiting = leaving.remedied(decision)
    assert bool(going) is not bool(waiting)
    return waiting


def test_replacements_in_vain_are_counted_over_turns() -> None:
    known: Remedied = {}
    assert [bool(remedies(known, number)) for number in range(4)] == [False, False, True, True]
    assert "2 replacements have not helped" in next(iter(remedies(known, 5).values()))


def test_they_count_anew_once_all_was_well() -> None:
    known: Remedied = {}
    remedies(known, 1)
    leaving = World(Guarded()).leaving()
    leaving.known = known
    leaving.remedied(Decision("workers"))
    assert not remedies(known, 2, most=1)
