"""Deletion hooks hold machines back also when their whole cluster is to go."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.objects import kinds
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


def test_an_api_that_does_not_answer_holds_nothing(cloud: SimulatedCloud) -> None:
    class Silent(FakeApi):
        def list(self, resource: Any, **_: Any) -> Any:
            raise CloudK8sError("does not answer")

    tear_down(cloud.site(), api=Silent())  # type: ignore[arg-type]
    assert cloud.left() == []
