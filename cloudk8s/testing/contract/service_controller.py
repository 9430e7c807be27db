"""S1–S20: the service controller with the provider inside."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.client.resources import NODES, SERVICES
from cloudk8s.cloud.controllers.assembly import SERVICE
from cloudk8s.cloud.controllers.service_request import FINALIZER, needs_update
from cloudk8s.errors import CloudError, RetryLater
from cloudk8s.testing.cloud_harness import make_node, make_service
from cloudk8s.testing.contract.stage import Stage, with_nodes
from cloudk8s.testing.contract.world import World
from cloudk8s.testing.delayed import DelayedExecutor

EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
AUTOSCALER = {"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"}
PORT = {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30080}
MUTATING = ("ensure", "update_targets", "delete_balancer")


class TestServiceController:
    """A load balancer for each Service that asks for one, no call too many, and nothing left behind."""

    @pytest.fixture
    def stage(self, world: World) -> Stage:
        return with_nodes(world)

    async def test_s1_other_services_cost_nothing(self, stage: Stage) -> None:
        stage.add_service(type="ClusterIP")
        async with stage.running(SERVICE):
            assert stage.calls.calls == []
            assert stage.harness.writes() == []

    async def test_s2_a_service_of_another_class_is_left_alone(self, stage: Stage) -> None:
        stage.add_service(loadBalancerClass="example.com/other")
        async with stage.running(SERVICE):
            assert stage.calls.calls == []
            assert stage.harness.writes() == []

    async def test_s3_a_load_balancer_is_made_and_shown(self, stage: Stage) -> None:
        stage.add_service()
        finalizers: list[Sequence[str]] = []
        stage.calls.on_call = lambda call: finalizers.append(stage.service()["metadata"].get("finalizers", []))
        async with stage.running(SERVICE):
            assert finalizers[0] == [FINALIZER]
            assert stage.service()["status"]["loadBalancer"]["ingress"]
            assert stage.condition() == ("True", "Ensured")
            reasons = [reason for kind, reason in stage.harness.events("web") if kind == "Normal"]
            assert reasons == ["EnsuringLoadBalancer", "EnsuredLoadBalancer"]
            assert stage.world.left()

    async def test_s4_nothing_is_written_while_nothing_differs(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            stage.client.actions.clear()
            calls, mutations = len(stage.calls.calls), stage.world.mutations()
            await stage.change({"metadata": {"labels": {"a": "b"}}})
            await stage.harness.settle(600)
            assert len(stage.harness.writes()) == 1
            assert len(stage.calls.calls) == calls
            assert stage.world.mutations() == mutations

    async def test_s5_a_changed_type_removes_it(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            await stage.change({"spec": {"type": "ClusterIP"}})
            await stage.settle()
            assert not stage.world.left()
            assert not stage.service()["metadata"].get("finalizers")
            assert not stage.service()["status"].get("loadBalancer")

    async def test_s6_deletion_removes_it_first(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            await stage.delete_service()
            await stage.settle()
            assert stage.client.all(SERVICES) == []
            assert not stage.world.left()

    async def test_s7_a_type_changed_while_nobody_looked_is_cleaned_up(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            assert stage.world.left()
        await stage.change({"spec": {"type": "ClusterIP"}})
        async with stage.running(SERVICE):
            assert not stage.world.left()
            assert not stage.service()["metadata"].get("finalizers")

    async def test_s8_a_recreated_service_gets_its_own(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            whole = len(stage.world.left())
            await stage.change({"metadata": {"finalizers": []}})
            await stage.delete_service()
            await stage.client.create(SERVICES, make_service())
            await stage.settle()
            assert stage.condition() == ("True", "Ensured")
            assert len(stage.world.left()) == whole
            owned = stage.world.load_balancers()
            assert owned is not None
            assert [state.service.uid for state in owned.list_owned()] == [stage.service()["metadata"]["uid"]]

    async def test_s9_retry_later_is_obeyed_to_the_second(self, stage: Stage) -> None:
        stage.add_service()
        times = note_ensures(stage)
        stage.calls.answer("ensure", *[RetryLater(timedelta(seconds=15))] * 3)
        async with stage.harness.running(SERVICE):
            assert stage.condition() == ("False", "Pending")
            await stage.harness.settle(44)
            assert [later - earlier for earlier, later in itertools.pairwise(times)] == [15, 15, 15]

    async def test_s9_other_errors_back_off_from_five_seconds_to_five_minutes(self, stage: Stage) -> None:
        stage.add_service()
        times = note_ensures(stage)
        stage.calls.answer("ensure", *[CloudError("no")] * 9)
        async with stage.harness.running(SERVICE):
            assert stage.condition() == ("False", "SyncFailed")
            await stage.harness.settle(1500)
            gaps = [round(later - earlier) for earlier, later in itertools.pairwise(times)]
            assert gaps[:8] == [5, 10, 20, 40, 80, 160, 300, 300]
            assert ("Warning", "SyncLoadBalancerFailed") in stage.harness.events("web")

    async def test_s10_a_service_that_another_controller_takes_over_is_let_go(self, stage: Stage) -> None:
        stage.add_service(loadBalancerClass="cloud")
        async with stage.running(SERVICE):
            assert stage.world.left()
            ours = stage.service()["status"]["loadBalancer"]
            await stage.change({"spec": {"loadBalancerClass": "example.com/other"}})
            await stage.settle()
            assert not stage.world.left()
            assert ours["ingress"]
            calls = len(stage.calls.calls)
            theirs = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9", "ipMode": "VIP"}]}}
            await stage.client.patch(SERVICES, "web", {"status": theirs}, namespace="default", subresource="status")
            await stage.settle()
            assert stage.service()["status"]["loadBalancer"] == theirs["loadBalancer"]
            assert len(stage.calls.calls) == calls

    @pytest.mark.parametrize(
        "change",
        [
            {"type": "ClusterIP"}, {"loadBalancerSourceRanges": ["10.0.0.0/8"]}, {"ports": [{**PORT, "port": 81}]},
            {"ports": [{**PORT, "name": "web"}]}, {"ports": [{**PORT, "protocol": "UDP"}]},
            {"ports": [{**PORT, "targetPort": 8081}]}, {"ports": [{**PORT, "nodePort": 30081}]},
            {"ports": [{**PORT, "appProtocol": "http"}]}, {"sessionAffinity": "ClientIP"},
            {"loadBalancerIP": "192.0.2.9"}, {"externalIPs": ["192.0.2.8"]}, {"externalTrafficPolicy": "Local"},
            {"healthCheckNodePort": 31000}, {"ipFamilies": ["IPv4", "IPv6"]},
        ],
    )  # fmt: skip
    def test_s11_every_relevant_field_triggers(self, change: dict[str, Any]) -> None:
        old, new = make_service(), make_service()
        new["spec"] = {**new["spec"], **change}
        assert needs_update(old, new)

    def test_s11_any_annotation_triggers_and_labels_do_not(self) -> None:
        assert needs_update(make_service(), make_service(annotations={"example.com/x": "y"}))
        labelled = make_service(allocateLoadBalancerNodePorts=False, internalTrafficPolicy="Local")
        labelled["metadata"]["labels"] = {"a": "b"}
        assert not needs_update(make_service(), labelled)

    async def test_s12_a_source_range_that_is_none_changes_nothing_in_the_cloud(self, stage: Stage) -> None:
        stage.add_service(loadBalancerSourceRanges=["10.0.0.0/99"])
        async with stage.running(SERVICE):
            assert stage.calls.calls == []
            assert stage.condition() == ("False", "Unsupported")
            assert stage.harness.events("web") == [("Warning", "SyncLoadBalancerFailed")]

    @pytest.mark.parametrize(
        ("patch", "members"),
        [
            ({"metadata": {"labels": {EXCLUDE: "true"}}}, ["n1"]), ({"metadata": {"labels": {EXCLUDE: ""}}}, ["n1"]),
            ({"metadata": {"labels": {EXCLUDE: "maybe"}}}, ["n1"]),
        ],
    )  # fmt: skip
    async def test_s13_s14_a_change_of_membership_is_one_update(
        self, stage: Stage, patch: dict[str, Any], members: list[str]
    ) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            ensures = stage.count("ensure")
            await stage.client.patch(NODES, "n2", patch)
            await stage.harness.settle()
            assert (stage.count("ensure"), stage.count("update_targets")) == (ensures, 1)
            assert stage.members() == members
            assert stage.harness.events("web")[-1] == ("Normal", "UpdatedLoadBalancer")

    async def test_s13_nodes_that_come_and_go_are_one_update(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            for number in range(10, 16):
                stage.start(f"n{number}")
            await stage.harness.settle()
            assert stage.count("update_targets") == 1
            await stage.client.delete(NODES, "n1")
            await stage.harness.settle()
            assert stage.count("update_targets") == 2
            assert len(stage.members()) == 7

    @pytest.mark.parametrize(
        "patch",
        [
            {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, {"metadata": {"labels": {"team": "a"}}},
            {"metadata": {"labels": {EXCLUDE: "false"}}}, {"spec": {"taints": [AUTOSCALER]}},
        ],
    )  # fmt: skip
    async def test_s13_s14_other_changes_of_nodes_cost_nothing(self, stage: Stage, patch: dict[str, Any]) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            calls = stage.count(*MUTATING)
            await stage.client.patch(NODES, "n2", patch, subresource="status" if "status" in patch else "")
            await stage.harness.settle()
            assert stage.count(*MUTATING) == calls

    async def test_s13_a_node_that_the_autoscaler_removes_goes_at_the_next_sync(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            await stage.client.patch(NODES, "n2", {"spec": {"taints": [AUTOSCALER]}})
            stage.start("n3")
            await stage.harness.settle()
            assert stage.members() == ["n1", "n3"]

    async def test_s15_a_failed_update_becomes_an_ensure_and_blocks_no_other(self, stage: Stage) -> None:
        stage.add_service("one")
        stage.add_service("two")
        async with stage.running(SERVICE):
            stage.calls.answer("update_targets", CloudError("no"))
            ensures = stage.count("ensure")
            await stage.client.delete(NODES, "n1")
            await stage.settle()
            assert stage.count("ensure") == ensures + 1
            assert stage.members() == ["n2"]
            names = [n for n in ("one", "two") if ("Warning", "UpdateLoadBalancerFailed") in stage.harness.events(n)]
            assert len(names) == 1
            assert stage.condition("one") == stage.condition("two") == ("True", "Ensured")

    async def test_s16_slow_calls_bring_no_node_back(self, world: World) -> None:
        stage = with_nodes(world)
        stage.harness.executor = DelayedExecutor(world.clock, 10)
        seen: dict[str, list[set[str]]] = {}
        stage.calls.on_call = lambda call: note_members(seen, call.method, call.argument)
        for number in range(3):
            stage.add_service(f"web-{number}")
        async with stage.harness.running(SERVICE):
            for number in range(3, 7):
                await stage.harness.settle(4)
                stage.start(f"n{number}")
                await stage.client.delete(NODES, f"n{number - 2}")
            for _ in range(4):
                world.settle()
                await stage.harness.settle(60)
        assert len(seen) == 3
        for members in seen.values():
            assert members[-1] == {"n5", "n6"}
            for name in set().union(*members):
                there = "".join("1" if name in entry else "0" for entry in members)
                assert "01" not in there.lstrip("0"), f"{name} went and came back: {there}"

    async def test_s17_without_nodes_it_stays_with_a_warning(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            balancers = len(stage.world.left())
            for name in ("n1", "n2"):
                await stage.client.delete(NODES, name)
            await stage.settle()
            assert stage.members() == []
            assert stage.harness.events("web")[-1] == ("Warning", "UnAvailableLoadBalancer")
            assert len(stage.world.left()) == balancers

    async def test_s18_deletion_removes_what_outlived_its_load_balancer(self, stage: Stage) -> None:
        stage.add_service()
        async with stage.running(SERVICE):
            assert stage.world.left()
        stage.world.remove_part()
        await stage.delete_service()
        async with stage.running(SERVICE):
            assert stage.client.all(SERVICES) == []
            assert not stage.world.left()

    async def test_s19_a_deleting_service_without_our_finalizer_is_not_touched(self, stage: Stage) -> None:
        service = make_service()
        service["metadata"]["finalizers"] = ["example.com/held"]
        stage.client.add(service)
        await stage.delete_service()
        stage.client.actions.clear()
        async with stage.running(SERVICE):
            await stage.client.create(NODES, make_node("n9"))
            await stage.harness.settle(60)
            assert stage.harness.writes("services") == []
            assert stage.calls.calls == []

    async def test_s20_a_restart_changes_nothing(self, stage: Stage) -> None:
        for number in range(4):
            stage.add_service(f"web-{number}")
        async with stage.running(SERVICE):
            await stage.settle()
        before, reads = stage.world.mutations(), stage.world.reads()
        stage.client.actions.clear()
        stage.calls.calls.clear()
        async with stage.running(SERVICE):
            assert stage.world.mutations() == before
            assert stage.harness.writes() == []
            balancers = stage.world.load_balancers()
            if balancers is not None and balancers.capabilities.stores_digests:
                assert stage.calls.names() == ["describe_balancers"]
                assert stage.world.reads() - reads <= 10, "a restart reads marks, not every part"


def note_ensures(stage: Stage) -> list[float]:
    """When `ensure` was called, from now on."""
    times: list[float] = []

    def note(call: Any) -> None:
        if call.method == "ensure":
            times.append(stage.world.clock.monotonic())

    stage.calls.on_call = note
    return times


def note_members(seen: dict[str, list[set[str]]], method: str, argument: Any) -> None:
    """Keep the members that each load balancer was given, in order."""
    if method not in ("ensure", "update_targets"):
        return
    for request in argument if isinstance(argument, (list, tuple)) else [argument]:
        seen.setdefault(request.service.name, []).append({node.name for node in request.nodes})
