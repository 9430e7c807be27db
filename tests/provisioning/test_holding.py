"""Deletion hooks hold machines back also when their whole cluster is to go."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.holding import PATIENCE, WAITING, Holding, answers
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.state import look
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s.provisioning.waiting import NotConverged
from tests.provisioning.harness import SimulatedCloud, declaration, workers
from tests.provisioning.objects.fake_api import FakeApi

HOOK = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/backup"


@pytest.fixture
def cloud() -> SimulatedCloud:
    found = SimulatedCloud()
    converge(found.site(), declaration(pools=workers(2)))
    return found


def holding(cloud: SimulatedCloud, resource: Any) -> FakeApi:
    api, name = FakeApi(), next(name for name in cloud.instances() if "workers" in name)
    api.create(resource, {"metadata": {"name": name, "annotations": {HOOK: "operator"}}, "spec": {}})
    return api


@pytest.mark.parametrize("resource", [NODES, kinds.MACHINES])
def test_a_hook_holds_its_machine_and_the_control_plane_which_could_take_it_away(
    cloud: SimulatedCloud, resource: Any
) -> None:
    api = holding(cloud, resource)
    with pytest.raises(NotConverged, match="backup"):
        tear_down(cloud.site(), timeout=30, api=api)  # type: ignore[arg-type]
    assert len(cloud.instances()) == 2, "the held worker and the control plane; the other worker is gone"
    api.objects[resource].clear()
    tear_down(cloud.site(), api=api)  # type: ignore[arg-type]
    assert cloud.left() == []


class Silent(FakeApi):
    """Does not answer so many times, or never."""

    def __init__(self, times: int = 10_000) -> None:
        super().__init__()
        self.times = times

    def list(self, resource: Any, **options: Any) -> Any:
        self.times -= 1
        if self.times >= 0:
            raise CloudK8sError("time is up")
        return super().list(resource, **options)


def notes(cloud: SimulatedCloud) -> list[str]:
    return [event.detail for event in cloud.events if "API" in event.detail]


def test_an_api_that_does_not_answer_is_waited_for_then_holds_nothing(cloud: SimulatedCloud) -> None:
    began = cloud.timer.monotonic()
    tear_down(cloud.site(), api=Silent())  # type: ignore[arg-type]
    assert cloud.left() == []
    assert cloud.timer.monotonic() - began >= PATIENCE
    assert "deletion hooks are not honoured" in notes(cloud)[-1]


def test_an_api_that_was_silent_for_a_moment_still_holds_machines_back(cloud: SimulatedCloud) -> None:
    silent = Silent(2)
    silent.objects = holding(cloud, NODES).objects
    with pytest.raises(NotConverged, match="backup"):
        tear_down(cloud.site(), timeout=60, api=silent)  # type: ignore[arg-type]
    assert len(cloud.instances()) == 2
    assert WAITING in notes(cloud)


def test_silences_with_an_answer_in_between_do_not_add_up(cloud: SimulatedCloud) -> None:
    site, silent = cloud.site(), Silent(0)
    holding, machines = Holding(site, silent), look(site).machines  # type: ignore[arg-type]
    for _ in range(3):
        silent.times = 1
        assert set(holding.held(machines).values()) == {WAITING}
        site.timer.pause(PATIENCE * 0.6)
        assert holding.held(machines) == {}
    assert not notes(cloud)


def test_an_api_is_not_waited_for_longer_than_the_command(cloud: SimulatedCloud) -> None:
    with pytest.raises(NotConverged, match="waiting for the cluster's API"):
        tear_down(cloud.site(), timeout=10, api=Silent())  # type: ignore[arg-type]
    assert len(cloud.instances()) == 3


@pytest.mark.parametrize(("times", "is_there"), [(0, True), (5, True), (10_000, False)])
def test_whether_an_api_answers_is_asked_for_a_while(cloud: SimulatedCloud, times: int, is_there: bool) -> None:
    site, began = cloud.site(), cloud.timer.monotonic()
    assert answers(site, Silent(times), look(site).machines) is is_there  # type: ignore[arg-type]
    assert cloud.timer.monotonic() - began <= PATIENCE
    assert notes(cloud)[:1] == ([WAITING] if times else [])
