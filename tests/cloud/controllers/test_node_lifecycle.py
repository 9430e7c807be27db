"""The node-lifecycle controller: checks L1–L12, and the guards against clouds that lie."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import NODE_LIFECYCLE
from cloudk8s.cloud.controllers.vanished import Vanished
from cloudk8s.cloud.model.instance import Instance
from cloudk8s.errors import CloudError, CloudForbidden, Conflict
from cloudk8s.testing.cloud_harness import CloudHarness, make_node
from cloudk8s.testing.fake_client import Action
from cloudk8s.testing.recording_cloud import RecordingInstances

SHUTDOWN = {"key": "node.cloudprovider.kubernetes.io/shutdown", "effect": "NoSchedule"}
GONE = Instance("gone")


@pytest.fixture
def instances() -> RecordingInstances:
    return RecordingInstances({"n1": Instance()})


@pytest.fixture
def harness(instances: RecordingInstances) -> CloudHarness:
    harness = CloudHarness()
    harness.attach(instances=instances)
    return harness


async def test_l1_a_ready_node_is_not_asked_about_and_loses_the_taint(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    harness.client.add(make_node("n1", taints=[SHUTDOWN]))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(20)
        assert "taints" not in harness.node("n1")["spec"]
        assert instances.recorder.calls == []
        assert len(harness.writes()) == 1


@pytest.mark.parametrize("error", [CloudError("throttled"), CloudForbidden("no rights"), ValueError("odd")])
async def test_l2_l7_an_error_never_deletes(
    harness: CloudHarness, instances: RecordingInstances, error: Exception
) -> None:
    instances.recorder.answer("describe", *[error] * 50)
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(120)
        assert harness.writes() == []


async def test_l7_an_unknown_state_never_deletes(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance("unknown", reason="another region")
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(120)
        assert harness.writes() == []


@pytest.mark.parametrize("ready", [False, None])
async def test_l3_a_node_whose_instance_is_gone_is_deleted_after_a_second_look(
    harness: CloudHarness, instances: RecordingInstances, ready: bool | None
) -> None:
    instances.instances["n1"] = GONE
    harness.client.add(make_node("n1", ready=ready))
    async with harness.running(NODE_LIFECYCLE):
        assert harness.writes() == []
        await harness.settle(5)
        assert [action.verb for action in harness.writes()] == ["delete"]
        assert harness.events("n1") == [("Normal", "DeletingNode")]


async def test_l3_a_failed_deletion_is_reported_and_tried_again(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    from cloudk8s.errors import InternalError

    instances.instances["n1"] = GONE
    refusals = iter([True])

    def refuse(action: Action) -> None:
        if action.verb == "delete" and next(refusals, False):
            raise InternalError("no")

    harness.client.on(refuse)
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(12)
        assert ("Warning", "DeletingNodeFailed") in harness.events("n1")
        assert harness.client.all(NODES) == []


async def test_l4_a_shut_down_node_is_tainted_once(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance("shutdown")
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(30)
        assert harness.node("n1")["spec"]["taints"] == [SHUTDOWN]
        assert len(harness.writes()) == 1


async def test_l5_an_existing_taint_stays_until_the_node_is_ready(harness: CloudHarness) -> None:
    harness.client.add(make_node("n1", ready=False, taints=[SHUTDOWN]))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(30)
        assert harness.node("n1")["spec"]["taints"] == [SHUTDOWN]


async def test_l8_a_ready_node_is_kept_whatever_the_cloud_says(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    instances.instances["n1"] = GONE
    harness.client.add(make_node("n1"))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(60)
        assert harness.writes() == []


async def test_l10_a_node_that_comes_back_loses_the_taint(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance("shutdown")
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(6)
        status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        await harness.client.patch(NODES, "n1", status, subresource="status")
        await harness.settle(6)
        assert "taints" not in harness.node("n1")["spec"]


async def test_l11_a_newborn_node_outlives_a_lagging_cloud(instances: RecordingInstances) -> None:
    harness = CloudHarness(newborn_grace=timedelta(minutes=2))
    harness.attach(instances=instances)
    instances.instances["n1"] = GONE
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(110)
        assert harness.writes() == []
        instances.instances["n1"] = Instance()
        await harness.settle(60)
        assert harness.writes() == []


async def test_l12_the_delete_carries_the_uid(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = GONE
    old = harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(6)
    deletes = [action for action in harness.writes() if action.verb == "delete"]
    assert deletes[0].body.uid == old["metadata"]["uid"]


async def test_one_wrong_answer_deletes_nothing(harness: CloudHarness, instances: RecordingInstances) -> None:
    harness.client.add(make_node("n1", ready=False))
    instances.recorder.answer("describe", {"n1": GONE}, {"n1": Instance()}, {"n1": GONE}, {"n1": Instance()})
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(60)
        assert harness.writes() == []


async def test_when_many_vanish_at_once_deletion_waits_until_that_has_lasted(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    for number in range(10):
        instances.instances[f"n{number}"] = GONE
        harness.client.add(make_node(f"n{number}", provider_id=f"fake://{number}", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(240)
        assert harness.writes() == []
        await harness.settle(120)
        assert harness.client.all(NODES) == []


async def test_a_thousand_unready_nodes_cost_one_call_a_look(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    for number in range(1000):
        instances.instances[f"n{number}"] = Instance()
        harness.client.add(make_node(f"n{number}", provider_id=f"fake://{number}", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(8.5)
        assert len(instances.recorder.calls) == 3


async def test_a_conflict_on_the_taint_is_read_again(harness: CloudHarness, instances: RecordingInstances) -> None:
    instances.instances["n1"] = Instance("shutdown")
    refusals = iter([True])

    def refuse(action: Action) -> None:
        if action.verb == "patch" and next(refusals, False):
            raise Conflict("somebody else wrote")

    harness.client.on(refuse)
    harness.client.add(make_node("n1", ready=False))
    async with harness.running(NODE_LIFECYCLE):
        assert harness.node("n1")["spec"]["taints"] == [SHUTDOWN]


def test_a_node_that_reappears_starts_counting_anew() -> None:
    vanished = Vanished(confirmations=2, limit=0.3, pause=300)
    assert vanished.look({"u": "c"}, {"c": 1}, 0) == (set(), set())
    assert vanished.look({}, {"c": 1}, 5) == (set(), set())
    assert vanished.look({"u": "c"}, {"c": 1}, 10) == (set(), set())
    assert vanished.look({"u": "c"}, {"c": 1}, 15) == ({"u"}, set())


async def test_events_come_from_upstreams_component(harness: CloudHarness, instances: RecordingInstances) -> None:
    harness.client.add(make_node("n1", provider_id="fake://1", ready=False))
    instances.instances["n1"] = GONE
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(12)
        assert harness.event_sources("n1") == {"cloud-node-lifecycle-controller"}


async def test_conflicts_on_the_taint_are_overcome_five_times(
    harness: CloudHarness, instances: RecordingInstances
) -> None:
    left = iter([True] * 4)

    def refuse(action: Action) -> None:
        if action.verb == "patch" and action.resource == NODES and next(left, False):
            raise Conflict("somebody else wrote")

    harness.client.on(refuse)
    harness.client.add(make_node("n1", provider_id="fake://1", ready=False))
    instances.instances["n1"] = Instance("shutdown")
    async with harness.running(NODE_LIFECYCLE):
        await harness.settle(2)
        assert harness.node("n1")["spec"]["taints"] == [SHUTDOWN]
