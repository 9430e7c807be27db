"""L1–L12: the node-lifecycle controller with the provider inside."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import NODE_LIFECYCLE
from cloudk8s.cloud.model.instance import Instance
from cloudk8s.errors import CloudError, CloudForbidden
from cloudk8s.testing.cloud_harness import make_node
from cloudk8s.testing.contract.stage import Stage
from cloudk8s.testing.contract.world import World

SHUTDOWN = {"key": "node.cloudprovider.kubernetes.io/shutdown", "effect": "NoSchedule"}


class TestNodeLifecycle:
    """What is gone is deleted, what is off is tainted, and nothing on a mere suspicion."""

    async def test_l1_a_ready_node_is_not_asked_about_and_loses_the_taint(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.start("n1", taints=[SHUTDOWN])
        async with stage.running(NODE_LIFECYCLE):
            assert "taints" not in stage.harness.node("n1")["spec"]
            assert stage.calls.calls == []
            assert len(stage.harness.writes()) == 1

    @pytest.mark.parametrize("error", [CloudError("throttled"), CloudForbidden("no rights"), ValueError("odd")])
    async def test_l2_l7_an_error_never_deletes(self, world: World, error: Exception) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", ready=False)
        world.terminate_instance(ref)
        stage.calls.answer("describe", *[error] * 100)
        async with stage.harness.running(NODE_LIFECYCLE):
            await stage.settle(60)
            assert stage.harness.writes() == []

    async def test_l7_doubt_never_deletes(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.start("n1", ready=False)
        stage.calls.answer("describe", *[{"n1": Instance("unknown", reason="another region")}] * 100)
        async with stage.harness.running(NODE_LIFECYCLE):
            await stage.settle(60)
            assert stage.harness.writes() == []

    async def test_l3_a_node_whose_instance_is_gone_is_deleted(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", ready=False)
        async with stage.running(NODE_LIFECYCLE):
            assert stage.harness.writes() == []
            world.terminate_instance(ref)
            await stage.settle()
            assert stage.client.all(NODES) == []
            assert ("Normal", "DeletingNode") in stage.harness.events("n1")

    async def test_l4_a_node_whose_instance_is_off_is_tainted_once(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", ready=False)
        world.stop_instance(ref)
        async with stage.running(NODE_LIFECYCLE):
            assert stage.harness.node("n1")["spec"]["taints"] == [SHUTDOWN]
            assert len(stage.harness.writes()) == 1

    async def test_l5_the_taint_stays_until_the_node_is_ready(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.start("n1", ready=False, taints=[SHUTDOWN])
        async with stage.running(NODE_LIFECYCLE):
            assert stage.harness.node("n1")["spec"]["taints"] == [SHUTDOWN]

    async def test_l6_an_error_about_the_state_changes_nothing(self, world: World) -> None:
        stage = Stage(world, "instances")
        ref = stage.start("n1", ready=False)
        world.stop_instance(ref)
        stage.calls.answer("describe", *[CloudError("no answer")] * 3)
        async with stage.harness.running(NODE_LIFECYCLE):
            assert stage.harness.writes() == []
            await stage.settle()
            assert stage.harness.node("n1")["spec"]["taints"] == [SHUTDOWN]

    async def test_l8_a_ready_node_is_kept_whatever_the_cloud_says(self, world: World) -> None:
        stage = Stage(world, "instances")
        world.terminate_instance(stage.start("n1"))
        async with stage.running(NODE_LIFECYCLE):
            assert stage.harness.writes() == []

    async def test_l9_a_node_that_no_cloud_has_ever_known_is_kept(self, world: World) -> None:
        stage = Stage(world, "instances")
        stage.client.add(make_node("stranger", ready=False))
        async with stage.running(NODE_LIFECYCLE):
            assert stage.harness.writes() == []

    async def test_l10_a_node_that_comes_back_loses_the_taint(self, world: World) -> None:
        stage = Stage(world, "instances")
        world.stop_instance(stage.start("n1", ready=False))
        async with stage.running(NODE_LIFECYCLE):
            assert stage.harness.node("n1")["spec"]["taints"] == [SHUTDOWN]
            ready = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
            await stage.client.patch(NODES, "n1", ready, subresource="status")
            await stage.harness.settle(6)
            assert "taints" not in stage.harness.node("n1")["spec"]

    async def test_l11_a_newborn_node_outlives_a_lagging_cloud(self, world: World) -> None:
        stage = Stage(world, "instances", newborn_grace=timedelta(minutes=2))
        ref = stage.start("n1", ready=False)
        stage.calls.answer("describe", *[{"n1": Instance("gone", ref.provider_id)}] * 20)
        async with stage.harness.running(NODE_LIFECYCLE):
            await stage.harness.settle(110)
            assert stage.harness.writes() == []

    async def test_l12_the_delete_carries_the_uid(self, world: World) -> None:
        stage = Stage(world, "instances")
        world.terminate_instance(stage.start("n1", ready=False))
        uid = stage.harness.node("n1")["metadata"]["uid"]
        async with stage.running(NODE_LIFECYCLE):
            deletes = [action for action in stage.harness.writes() if action.verb == "delete"]
            assert [action.body.uid for action in deletes] == [uid]
