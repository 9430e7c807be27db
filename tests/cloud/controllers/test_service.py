"""The service controller: checks S1–S20."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.client.resources import CORE_EVENTS, NODES, SERVICES
from cloudk8s.cloud.controllers.assembly import SERVICE
from cloudk8s.cloud.controllers.service import ServiceController
from cloudk8s.cloud.controllers.service_memory import ServiceMemory
from cloudk8s.cloud.controllers.service_removal import ORPHAN
from cloudk8s.cloud.controllers.service_request import FINALIZER, needs_update
from cloudk8s.cloud.model.load_balancer import Ingress, LoadBalancerCapabilities, LoadBalancerStatus
from cloudk8s.errors import CloudError, CloudForbidden, RetryLater, Unsupported
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service
from cloudk8s.testing.recording_cloud import RecordingLoadBalancers

EXCLUDE = "node.kubernetes.io/exclude-from-external-load-balancers"
FAILED_UPDATE = "UpdateLoadBalancerFailed"
AUTOSCALER = {"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"}


@pytest.fixture
def balancers() -> RecordingLoadBalancers:
    return RecordingLoadBalancers()


@pytest.fixture
def harness(balancers: RecordingLoadBalancers) -> CloudHarness:
    harness = CloudHarness()
    harness.attach(load_balancers=balancers)
    for number in (1, 2):
        harness.client.add(make_node(f"n{number}", provider_id=f"fake://{number}"))
    return harness


async def patch_service(harness: CloudHarness, patch: dict[str, Any], name: str = "web") -> None:
    await harness.client.patch(SERVICES, name, patch, namespace="default")


def uid(harness: CloudHarness, name: str = "web") -> str:
    return str(harness.service(name)["metadata"]["uid"])


def condition(harness: CloudHarness, name: str = "web") -> tuple[str, str]:
    entry = harness.service(name)["status"]["conditions"][0]
    return entry["status"], entry["reason"]


def service_memory(harness: CloudHarness) -> ServiceMemory:
    controller = harness.controllers[SERVICE]
    assert isinstance(controller, ServiceController)
    return controller._memory


async def test_s1_other_services_cost_nothing(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    harness.client.add(make_service(type="ClusterIP"))
    async with harness.running(SERVICE):
        assert balancers.recorder.calls == []
        assert harness.writes() == []


async def test_s2_a_service_of_another_class_is_left_alone(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service(loadBalancerClass="example.com/other"))
    async with harness.running(SERVICE):
        assert balancers.recorder.calls == []
        assert harness.writes() == []


async def test_s3_a_load_balancer_is_made_and_shown(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    harness.client.add(make_service())
    finalizers_at_first_call: list[list[str]] = []
    balancers.recorder.on_call = lambda call: finalizers_at_first_call.append(
        list(harness.service("web")["metadata"].get("finalizers", []))
    )
    async with harness.running(SERVICE):
        assert finalizers_at_first_call == [[FINALIZER]]
        assert harness.events("web") == [("Normal", "EnsuringLoadBalancer"), ("Normal", "EnsuredLoadBalancer")]
        status = harness.service("web")["status"]
        assert status["loadBalancer"] == {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}
        assert condition(harness) == ("True", "Ensured")
        assert [action.subresource for action in harness.writes()] == ["status", "status"]
        assert balancers.members[uid(harness)] == ("n1", "n2")


async def test_s4_nothing_is_written_while_nothing_differs(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        harness.client.actions.clear()
        await patch_service(harness, {"metadata": {"labels": {"a": "b"}}})
        await harness.settle(600)
        assert len(harness.writes()) == 1
        assert balancers.recorder.names() == ["ensure"]


async def test_s5_a_changed_type_removes_it(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await patch_service(harness, {"spec": {"type": "ClusterIP"}})
        await harness.settle()
        service = harness.service("web")
        assert balancers.states == {}
        assert not service["metadata"].get("finalizers")
        assert not service["status"].get("loadBalancer")
        assert harness.events("web")[-2:] == [("Normal", "DeletingLoadBalancer"), ("Normal", "DeletedLoadBalancer")]


async def test_s6_deletion_removes_it_first(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.client.delete(SERVICES, "web", namespace="default")
        await harness.settle()
        assert balancers.states == {}
        assert harness.client.all(SERVICES) == []


async def test_s7_a_type_changed_while_nobody_looked_is_cleaned_up(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        pass
    await patch_service(harness, {"spec": {"type": "ClusterIP"}})
    async with harness.running(SERVICE):
        assert balancers.states == {}
        assert not harness.service("web")["metadata"].get("finalizers")


async def test_s8_a_recreated_service_gets_its_own(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        old = uid(harness)
        await patch_service(harness, {"metadata": {"finalizers": []}})
        await harness.client.delete(SERVICES, "web", namespace="default")
        await harness.client.create(SERVICES, make_service())
        await harness.settle(10)
        assert set(balancers.states) == {uid(harness)}
        assert old != uid(harness)


async def test_s9_retry_later_is_obeyed_to_the_second(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    times: list[float] = []
    balancers.recorder.on_call = lambda call: times.append(harness.clock.monotonic())
    balancers.recorder.answer("ensure", *[RetryLater(timedelta(seconds=15))] * 3)
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.settle(1)
        assert condition(harness) == ("False", "Pending")
        await harness.settle(100)
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert gaps == [15, 15, 15]
        assert harness.events("web") == [("Normal", "EnsuringLoadBalancer"), ("Normal", "EnsuredLoadBalancer")]


async def test_s9_other_errors_back_off_from_five_seconds_to_five_minutes(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    times: list[float] = []
    balancers.recorder.on_call = lambda call: times.append(harness.clock.monotonic())
    balancers.recorder.answer("ensure", *[CloudError("no")] * 9)
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        assert condition(harness) == ("False", "SyncFailed")
        await harness.settle(2000)
        gaps = [round(later - earlier) for earlier, later in itertools.pairwise(times)]
        assert gaps[:8] == [5, 10, 20, 40, 80, 160, 300, 300]
        assert condition(harness) == ("True", "Ensured")
        assert ("Warning", "SyncLoadBalancerFailed") in harness.events("web")


async def test_a_forbidden_call_is_retried_late(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    balancers.recorder.answer("ensure", CloudForbidden("no right"))
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.settle(290)
        assert balancers.recorder.names() == ["ensure"]
        await harness.settle(20)
        assert condition(harness) == ("True", "Ensured")


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ClusterIP"},
        {"loadBalancerSourceRanges": ["10.0.0.0/8"]},
        {"ports": [{"name": "http", "protocol": "TCP", "port": 81, "targetPort": 8080, "nodePort": 30080}]},
        {"ports": [{"name": "web", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30080}]},
        {"ports": [{"name": "http", "protocol": "UDP", "port": 80, "targetPort": 8080, "nodePort": 30080}]},
        {"ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8081, "nodePort": 30080}]},
        {"ports": [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080, "nodePort": 30081}]},
        {"ports": [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30080, "appProtocol": "h2c"}]},
        {"sessionAffinity": "ClientIP"},
        {"sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}},
        {"loadBalancerIP": "192.0.2.9"},
        {"externalIPs": ["192.0.2.8"]},
        {"externalTrafficPolicy": "Local"},
        {"healthCheckNodePort": 31000},
        {"ipFamilies": ["IPv4", "IPv6"]},
    ],
)
def test_s11_every_relevant_field_triggers(change: dict[str, Any]) -> None:
    old, new = make_service(), make_service()
    new["spec"] = {**new["spec"], **change}
    assert needs_update(old, new)


def test_s11_any_annotation_triggers_and_labels_do_not() -> None:
    old, new = make_service(), make_service(annotations={"example.com/x": "y"})
    assert needs_update(old, new)
    new = make_service(allocateLoadBalancerNodePorts=False, internalTrafficPolicy="Local")
    new["metadata"]["labels"] = {"a": "b"}
    assert not needs_update(make_service(), new)


async def test_s12_a_source_range_that_is_none_changes_nothing_in_the_cloud(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service(loadBalancerSourceRanges=["10.0.0.0/99"]))
    async with harness.running(SERVICE):
        await harness.settle(600)
        assert balancers.recorder.calls == []
        assert harness.events("web") == [("Warning", "SyncLoadBalancerFailed")]
        assert condition(harness) == ("False", "Unsupported")
        await patch_service(harness, {"spec": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}})
        await harness.settle()
        assert condition(harness) == ("True", "Ensured")
        assert balancers.recorder.arguments("ensure")[0].source_ranges == ("10.0.0.0/8",)


async def test_what_the_provider_can_not_do_is_refused_with_one_event(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    balancers.capabilities = LoadBalancerCapabilities()
    harness.client.add(make_service(sessionAffinity="ClientIP"))
    async with harness.running(SERVICE):
        await harness.settle(600)
        assert balancers.recorder.calls == []
        assert harness.events("web") == [("Warning", "SyncLoadBalancerFailed")]
        message = harness.service("web")["status"]["conditions"][0]["message"]
        assert message == "session affinity ClientIP is not supported"


async def test_what_the_provider_refuses_later_is_not_retried(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    balancers.recorder.answer("ensure", Unsupported("metadata.annotations[x]", "must be a number"))
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.settle(1000)
        assert balancers.recorder.names() == ["ensure"]
        assert condition(harness) == ("False", "Unsupported")


MEMBERSHIP = [
    ({"metadata": {"labels": {EXCLUDE: "true"}}}, ("n1",)),
    ({"metadata": {"labels": {EXCLUDE: ""}}}, ("n1",)),
    ({"metadata": {"labels": {EXCLUDE: "maybe"}}}, ("n1",)),
    ({"spec": {"providerID": "fake://9"}}, ("n1", "n2")),
]


@pytest.mark.parametrize(("patch", "members"), MEMBERSHIP)
async def test_s13_s14_a_change_of_membership_is_one_update(
    harness: CloudHarness, balancers: RecordingLoadBalancers, patch: dict[str, Any], members: tuple[str, ...]
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.client.patch(NODES, "n2", patch)
        await harness.settle()
        assert balancers.recorder.names() == ["ensure", "update_targets"]
        assert balancers.members[uid(harness)] == members
        assert harness.events("web")[-1] == ("Normal", "UpdatedLoadBalancer")


async def test_s13_nodes_that_come_and_go_are_one_update(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        for number in range(10, 60):
            await harness.client.create(NODES, make_node(f"n{number}", provider_id=f"fake://{number}"))
        await harness.settle()
        await harness.client.delete(NODES, "n1")
        await harness.settle()
        assert balancers.recorder.names() == ["ensure", "update_targets", "update_targets"]
        assert len(balancers.members[uid(harness)]) == 51


@pytest.mark.parametrize(
    "patch",
    [
        {"status": {"conditions": [{"type": "Ready", "status": "False"}]}},
        {"metadata": {"labels": {"team": "a"}}},
        {"metadata": {"labels": {EXCLUDE: "false"}}},
        {"spec": {"taints": [AUTOSCALER]}},
    ],
)
async def test_s13_other_changes_of_nodes_cost_nothing(
    harness: CloudHarness, balancers: RecordingLoadBalancers, patch: dict[str, Any]
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.client.patch(NODES, "n2", patch, subresource="status" if "status" in patch else "")
        await harness.settle()
        assert balancers.recorder.names() == ["ensure"]


async def test_s13_a_node_that_the_autoscaler_removes_goes_at_the_next_sync(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.client.patch(NODES, "n2", {"spec": {"taints": [AUTOSCALER]}})
        await harness.client.create(NODES, make_node("n3", provider_id="fake://3"))
        await harness.settle()
        assert balancers.members[uid(harness)] == ("n1", "n3")


async def test_a_label_that_a_selector_reads_triggers(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    selector = {"cloudk8s.io/load-balancer-node-selector": "role=edge,zone="}
    harness.client.add(make_service(annotations=selector))
    async with harness.running(SERVICE):
        assert balancers.members[uid(harness)] == ()
        assert ("Warning", "UnAvailableLoadBalancer") in harness.events("web")
        await harness.client.patch(NODES, "n2", {"metadata": {"labels": {"role": "edge", "zone": "z"}}})
        await harness.settle()
        assert balancers.members[uid(harness)] == ("n2",)


async def test_s15_a_failed_update_becomes_an_ensure_and_blocks_no_other(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service("one"))
    harness.client.add(make_service("two"))
    async with harness.running(SERVICE):
        balancers.recorder.answer("update_targets", CloudError("no"))
        await harness.client.delete(NODES, "n1")
        await harness.settle()
        assert balancers.members[uid(harness, "one")] == balancers.members[uid(harness, "two")] == ("n2",)
        assert balancers.recorder.names()[-1] == "ensure"
        failed = [name for name in ("one", "two") if ("Warning", "UpdateLoadBalancerFailed") in harness.events(name)]
        assert len(failed) == 1


async def test_s15_an_update_of_what_is_not_there_makes_it(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        balancers.states.clear()
        await harness.client.delete(NODES, "n1")
        await harness.settle()
        assert balancers.members[uid(harness)] == ("n2",)
        assert ("Warning", "UpdateLoadBalancerFailed") not in harness.events("web")


async def test_s17_without_nodes_it_stays_with_a_warning(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.client.delete(NODES, "n1")
        await harness.client.delete(NODES, "n2")
        await harness.settle()
        assert balancers.members[uid(harness)] == ()
        assert harness.events("web")[-1] == ("Warning", "UnAvailableLoadBalancer")


async def test_s18_deletion_asks_the_cloud_even_where_nothing_seems_to_be_there(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        pass
    balancers.states.clear()
    await harness.client.delete(SERVICES, "web", namespace="default")
    async with harness.running(SERVICE):
        assert balancers.recorder.names()[-1] == "delete"
        assert harness.client.all(SERVICES) == []


async def test_s19_a_deleting_service_without_our_finalizer_is_not_touched(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    service = make_service()
    service["metadata"]["finalizers"] = ["example.com/held"]
    harness.client.add(service)
    await harness.client.delete(SERVICES, "web", namespace="default")
    harness.client.actions.clear()
    async with harness.running(SERVICE):
        await harness.client.create(NODES, make_node("n9"))
        await harness.settle(60)
        assert harness.writes("services") == []
        assert balancers.recorder.calls == []


async def test_s20_a_restart_with_200_load_balancers_in_order_changes_nothing(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    for number in range(200):
        harness.client.add(make_service(f"web-{number}"))
    async with harness.running(SERVICE):
        await harness.settle(10)
        assert len(balancers.states) == 200
    balancers.recorder.calls.clear()
    harness.client.actions.clear()
    async with harness.running(SERVICE):
        await harness.settle(10)
        assert balancers.recorder.names() == ["describe"]
        assert harness.writes() == []


async def test_a_restart_after_nodes_changed_updates_members_only(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        pass
    await harness.client.delete(NODES, "n1")
    balancers.recorder.calls.clear()
    async with harness.running(SERVICE):
        assert balancers.recorder.names() == ["describe", "update_targets"]


async def test_drift_is_repaired_without_a_word(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        events = harness.events("web")
        await harness.settle(2 * 3600)
        assert 3 <= len(balancers.recorder.arguments("ensure")) <= 5
        assert harness.events("web") == events


async def test_a_service_goes_to_the_cloud_that_it_names() -> None:
    harness = CloudHarness()
    one, two = RecordingLoadBalancers(), RecordingLoadBalancers()
    harness.attach("one", load_balancers=one)
    harness.attach("two", load_balancers=two)
    harness.client.add(make_service("default"))
    harness.client.add(make_service("annotated", annotations={"cloudk8s.io/cloud": "two"}))
    harness.client.add(make_service("classed", loadBalancerClass="two"))
    harness.client.add(make_service("wrong", annotations={"cloudk8s.io/cloud": "three"}))
    async with harness.running(SERVICE):
        assert [state.service.name for state in one.states.values()] == ["default"]
        assert sorted(state.service.name for state in two.states.values()) == ["annotated", "classed"]
        assert condition(harness, "wrong") == ("False", "Unsupported")


async def test_a_service_that_moves_to_another_cloud_leaves_nothing_behind() -> None:
    harness = CloudHarness()
    one, two = RecordingLoadBalancers(), RecordingLoadBalancers()
    harness.attach("one", load_balancers=one)
    harness.attach("two", load_balancers=two)
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        assert len(one.states) == 1
        two.recorder.answer("ensure", CloudError("not yet"))
        await patch_service(harness, {"metadata": {"annotations": {"cloudk8s.io/cloud": "two"}}})
        await harness.settle(1)
        assert len(one.states) == 1, "the old one stays until the new one works"
        await harness.settle(10)
        assert (len(one.states), len(two.states)) == (0, 1)
        await harness.client.delete(SERVICES, "web", namespace="default")
        await harness.settle()
        assert two.states == {}
        assert harness.client.all(SERVICES) == []


async def test_a_cloud_that_a_service_has_left_gets_no_members_of_it_any_more() -> None:
    """A member update that waited behind the move would make again what is being removed."""
    harness = CloudHarness()
    one, two = RecordingLoadBalancers(), RecordingLoadBalancers()
    harness.attach("one", load_balancers=one)
    harness.attach("two", load_balancers=two)
    harness.client.add(make_node("n1", provider_id="fake://1"))
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        memory = service_memory(harness)
        entry = memory.get("default/web")
        assert entry is not None
        async with entry.lock:
            await harness.client.create(NODES, make_node("n2", provider_id="fake://2"))
            await harness.settle(1)
            moved = memory.remember(entry.service, "two")
            assert moved.lock is entry.lock, "calls for one Service take turns in whichever clouds"
        await harness.settle(1)
        assert one.recorder.names() == ["ensure"]


async def test_the_mark_of_a_cloud_of_another_manager_stays(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service(annotations={"cloudk8s.io/load-balancer-clouds": "elsewhere"}))
    async with harness.running(SERVICE):
        assert len(balancers.states) == 1
        marks = harness.service("web")["metadata"]["annotations"]["cloudk8s.io/load-balancer-clouds"]
        assert marks == "elsewhere,fake", "else nobody would know that there may be something to delete"


async def test_pods_become_members_where_a_service_asks_for_them(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    from dataclasses import replace

    from cloudk8s.client.resources import ENDPOINT_SLICES

    balancers.capabilities = replace(
        balancers.capabilities, pod_target_annotations=frozenset({("example.com/targets", "pods")})
    )
    endpoints = [
        {"addresses": ["10.1.0.4"], "conditions": {"ready": True}, "targetRef": {"name": "a"}, "nodeName": "n1"},
        {"addresses": ["10.1.0.5"], "conditions": {"ready": False}},
    ]
    slice = {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": endpoints, "ports": [{"name": "http", "port": 8080}],
    }  # fmt: skip
    harness.client.add(slice)
    no_node_ports = [{"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080}]
    harness.client.add(make_service(annotations={"example.com/targets": "pods"}, ports=no_node_ports))
    async with harness.running(SERVICE):
        pods = balancers.recorder.arguments("ensure")[0].pods
        assert [(pod.address, pod.port, pod.service_port, pod.pod) for pod in pods] == [("10.1.0.4", 8080, "http", "a")]
        endpoints[1]["conditions"] = {"ready": True}
        patch = {"endpoints": endpoints}
        await harness.client.patch(ENDPOINT_SLICES, "web-1", patch, namespace="default")
        await harness.settle()
        updated = balancers.recorder.arguments("update_targets")[0][0]
        assert [pod.address for pod in updated.pods] == ["10.1.0.4", "10.1.0.5"]


async def test_a_node_sync_of_1000_nodes_and_200_services_is_quick_when_nothing_differs(
    balancers: RecordingLoadBalancers,
) -> None:
    import time

    harness = CloudHarness()
    harness.attach(load_balancers=balancers)
    for number in range(1000):
        harness.client.add(make_node(f"n{number}", provider_id=f"fake://{number}"))
    for number in range(200):
        harness.client.add(make_service(f"web-{number}"))
    async with harness.running(SERVICE):
        await harness.settle(5)
        assert len(balancers.states) == 200
        controller = harness.controllers[SERVICE]
        await controller.reconcile_nodes("nodes")  # type: ignore[attr-defined]
        started = time.perf_counter()
        await controller.reconcile_nodes("nodes")  # type: ignore[attr-defined]
        assert time.perf_counter() - started < 0.2
        assert "update_targets" not in balancers.recorder.names()


async def test_nodes_of_which_a_cloud_says_nothing_stay_members() -> None:
    from cloudk8s.cloud.model.instance import Instance
    from cloudk8s.testing.recording_cloud import RecordingInstances

    harness, balancers = CloudHarness(), RecordingLoadBalancers()
    instances = [RecordingInstances({"n1": Instance(), "n2": Instance()}), RecordingInstances()]
    harness.attach("one", "same", instances=instances[0], load_balancers=balancers)
    harness.attach("two", "same", instances=instances[1])
    for number in (1, 2):
        harness.client.add(make_node(f"n{number}", provider_id=f"same://{number}"))
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        assert balancers.members[uid(harness)] == ("n1", "n2")
        instances[0].recorder.answer("describe", CloudError("throttled"), CloudError("throttled"))
        instances[1].recorder.answer("describe", CloudError("throttled"), CloudError("throttled"))
        instances[0].instances["n3"] = Instance()
        await harness.client.create(NODES, make_node("n3", provider_id="same://3"))
        await harness.settle(0.5)
        assert balancers.members[uid(harness)] == ("n1", "n2")
        await harness.settle(5)
        assert balancers.members[uid(harness)] == ("n1", "n2", "n3")


async def test_a_load_balancer_without_address_is_looked_at_again(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    from cloudk8s.cloud.model.load_balancer import LoadBalancerStatus

    balancers.recorder.answer("ensure", LoadBalancerStatus())
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        assert condition(harness) == ("False", "Pending")
        await harness.settle(16)
        assert condition(harness) == ("True", "Ensured")


async def test_events_come_from_upstreams_component(harness: CloudHarness) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        assert harness.event_sources("web") == {"service-controller"}


async def test_load_balancers_are_compared_at_different_times(harness: CloudHarness) -> None:
    for number in range(20):
        harness.client.add(make_service(f"web-{number}"))
    async with harness.running(SERVICE):
        controller = harness.controllers[SERVICE]
        again = {await controller.reconcile(f"default/web-{number}") for number in range(20)}  # type: ignore[attr-defined]
        period = harness.settings.drift_repair_period
        assert len(again) > 1
        assert all(period <= delay <= period * 1.2 for delay in again)


async def test_a_node_that_is_being_deleted_takes_no_traffic_at_the_next_sync(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    await harness.client.patch(NODES, "n1", {"metadata": {"finalizers": ["a.example/hold"]}})
    await harness.client.delete(NODES, "n1")
    async with harness.running(SERVICE):
        assert balancers.members[uid(harness)] == ("n2",)


@pytest.mark.parametrize(("count", "more"), [(20, ""), (23, " <3 more>")])
async def test_a_failed_update_names_at_most_twenty_nodes(
    harness: CloudHarness, balancers: RecordingLoadBalancers, count: int, more: str
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        balancers.recorder.answer("update_targets", {uid(harness): CloudError("no")})
        for number in range(count - 2):
            harness.client.add(make_node(f"x{number:02}", provider_id=f"fake://x{number}"))
        await harness.settle(5)
        [message] = [event["message"] for event in harness.client.all(CORE_EVENTS) if event["reason"] == FAILED_UPDATE]
        listed = message.partition("[")[2].partition("]")[0]
        assert len(listed.removesuffix(more).split()) == 20
        assert listed.endswith(more)


async def test_a_service_may_go_while_its_load_balancer_stays(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service(annotations={ORPHAN: "true"}))
    async with harness.running(SERVICE):
        balancers.recorder.answer("delete", *[CloudError("the account is closed")] * 5)
        await harness.client.delete(SERVICES, "web", namespace="default")
        await harness.settle(10)
        assert harness.client.peek(SERVICES, "web", "default") is None
        assert len(balancers.states) == 1


async def test_a_deletion_that_fails_keeps_the_service_and_is_tried_again(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        balancers.recorder.answer("delete", CloudError("still used"), CloudError("still used"))
        await harness.client.delete(SERVICES, "web", namespace="default")
        await harness.settle(1)
        assert FINALIZER in harness.service("web")["metadata"]["finalizers"]
        assert ("Warning", "SyncLoadBalancerFailed") in harness.events("web")
        assert condition(harness) == ("False", "SyncFailed")
        await harness.settle(20)
        assert harness.client.peek(SERVICES, "web", "default") is None
        assert balancers.states == {}


async def test_what_belongs_to_an_earlier_object_is_told_when_it_can_not_go(
    harness: CloudHarness, balancers: RecordingLoadBalancers
) -> None:
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        balancers.recorder.answer("delete", CloudError("still used"))
        await harness.client.patch(SERVICES, "web", {"metadata": {"finalizers": []}}, namespace="default")
        await harness.client.delete(SERVICES, "web", namespace="default")
        await harness.client.create(SERVICES, make_service(), namespace="default")
        await harness.settle(1)
        assert ("Warning", "DeleteLoadBalancerFailed") in harness.events("web")
        await harness.settle(20)
        assert list(balancers.states) == [uid(harness)]


async def test_what_a_provider_warns_of_is_told_once(harness: CloudHarness, balancers: RecordingLoadBalancers) -> None:
    status = LoadBalancerStatus((Ingress(ip="192.0.2.1"),), warnings=("annotation x is not known",))
    balancers.recorder.answer("ensure", status)
    harness.client.add(make_service())
    async with harness.running(SERVICE):
        await harness.settle(600)
        assert harness.events("web").count(("Warning", "LoadBalancerWarning")) == 1
