from __future__ import annotations

from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import labels_of, name_of, owner_references_of
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from cloudk8s.controllers.endpoint_slice.controller import EndpointSliceController
from cloudk8s.controllers.settings import ControllerSettings
from tests.controllers.harness import NS, Harness, node, ready_pod, refusing, running, service


def endpoints(run: Harness) -> list[Object]:
    return [endpoint for item in run.client.all(ENDPOINT_SLICES) for endpoint in item["endpoints"] or ()]


def addresses(run: Harness) -> list[str]:
    return sorted(address for endpoint in endpoints(run) for address in endpoint["addresses"])


async def test_a_slice_has_upstreams_form() -> None:
    made = service("web", labels={"team": "a"}, ports=[{"name": "http", "port": 80, "targetPort": "web"}])
    pod = ready_pod("p", "10.0.0.1", node="n1", ports=[{"name": "web", "containerPort": 8080}])
    async with running(EndpointSliceController, objects=[node("n1", zone="z1"), made, pod]) as run:
        await run.settle()
        (item,) = run.client.all(ENDPOINT_SLICES)
        assert item["metadata"]["generateName"] == "web-"
        assert labels_of(item) == {
            "team": "a",
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        (owner,) = owner_references_of(item)
        assert (owner["kind"], owner["controller"], owner["blockOwnerDeletion"]) == ("Service", True, True)
        assert item["addressType"] == "IPv4"
        assert item["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
        assert item["endpoints"] == [
            {
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {
                    "kind": "Pod",
                    "namespace": NS,
                    "name": "p",
                    "uid": run.get(PODS, "p")["metadata"]["uid"],
                },
                "nodeName": "n1",
                "zone": "z1",
            }
        ]


async def test_a_service_without_pods_has_one_empty_slice() -> None:
    async with running(EndpointSliceController, objects=[service("web")]) as run:
        await run.settle()
        (item,) = run.client.all(ENDPOINT_SLICES)
        assert (item["endpoints"], item["ports"]) == ([], None)
        run.client.add(ready_pod("p", "10.0.0.1"))
        await run.settle()
        assert addresses(run) == ["10.0.0.1"]
        assert len(run.client.all(ENDPOINT_SLICES)) == 1
        await run.client.delete(PODS, "p", namespace=NS)
        await run.settle()
        (item,) = run.client.all(ENDPOINT_SLICES)
        assert (item["endpoints"], item["ports"]) == ([], None)


async def test_a_terminating_pod_still_serves() -> None:
    pod = ready_pod("p", "10.0.0.1", node="n1")
    async with running(EndpointSliceController, objects=[node("n1"), service("web"), pod]) as run:
        run.has_kubelet = False
        await run.settle()
        await run.client.delete(PODS, "p", namespace=NS)
        await run.settle()
        (endpoint,) = endpoints(run)
        assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}
        await run.set_pod(run.get(PODS, "p"), ready=False)
        await run.settle()
        (endpoint,) = endpoints(run)
        assert endpoint["conditions"] == {"ready": False, "serving": False, "terminating": True}


async def test_readiness_comes_and_goes_and_may_be_ignored() -> None:
    objects = [service("web"), service("all", publishNotReadyAddresses=True), ready_pod("p", "10.0.0.1", ready=False)]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        by_service = {
            labels_of(item)["kubernetes.io/service-name"]: item["endpoints"][0]["conditions"]["ready"]
            for item in run.client.all(ENDPOINT_SLICES)
        }
        assert by_service == {"web": False, "all": True}
        await run.set_pod(run.get(PODS, "p"))
        await run.settle()
        assert all(endpoint["conditions"]["ready"] for endpoint in endpoints(run))


async def test_finished_pods_and_pods_without_an_address_are_left_out() -> None:
    objects = [service("web"), ready_pod("done", "10.0.0.1", phase="Succeeded"), ready_pod("new", "")]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        assert addresses(run) == []


async def test_services_without_selector_and_external_names_are_left_alone() -> None:
    external = service("external", type="ExternalName", externalName="example.com")
    async with running(EndpointSliceController, objects=[service("bare", selector=None), external]) as run:
        await run.settle()
        assert run.names(ENDPOINT_SLICES) == []


async def test_slices_hold_a_hundred_and_one_change_rewrites_one() -> None:
    pods = [ready_pod(f"p{n}", f"10.0.{n // 250}.{n % 250 + 1}") for n in range(250)]
    async with running(EndpointSliceController, objects=[service("web"), *pods]) as run:
        await run.settle()
        assert sorted(len(item["endpoints"]) for item in run.client.all(ENDPOINT_SLICES)) == [50, 100, 100]
        before = run.writes(ENDPOINT_SLICES)
        await run.set_pod(run.get(PODS, "p7"), ready=False)
        await run.settle()
        assert run.writes(ENDPOINT_SLICES) == before + 1
        await run.client.delete(PODS, "p8", namespace=NS)
        run.client.add(ready_pod("new", "10.1.0.1"))
        await run.settle()
        assert run.writes(ENDPOINT_SLICES) == before + 2
        assert len(addresses(run)) == 250


async def test_named_ports_that_differ_between_pods_make_two_slices() -> None:
    objects = [
        service("web", ports=[{"port": 80, "targetPort": "web"}]),
        ready_pod("a", "10.0.0.1", ports=[{"name": "web", "containerPort": 8080}]),
        ready_pod("b", "10.0.0.2", ports=[{"name": "web", "containerPort": 9090}]),
    ]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        assert sorted(item["ports"][0]["port"] for item in run.client.all(ENDPOINT_SLICES)) == [8080, 9090]


async def test_dual_stack_services_have_slices_of_both_families() -> None:
    pod = ready_pod("p", "10.0.0.1", ips=["10.0.0.1", "fd00::1"])
    async with running(EndpointSliceController, objects=[service("web", ipFamilies=["IPv6", "IPv4"]), pod]) as run:
        await run.settle()
        found = {item["addressType"]: item["endpoints"][0]["addresses"] for item in run.client.all(ENDPOINT_SLICES)}
        assert found == {"IPv4": ["10.0.0.1"], "IPv6": ["fd00::1"]}
        await run.client.patch(SERVICES, "web", {"spec": {"ipFamilies": ["IPv4"]}}, namespace=NS)
        await run.settle()
        assert [item["addressType"] for item in run.client.all(ENDPOINT_SLICES)] == ["IPv4"]


async def test_what_others_delete_or_change_is_put_right_and_what_is_not_ours_is_left() -> None:
    foreign = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "mine", "namespace": NS, "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [],
        "ports": [],
    }
    async with running(EndpointSliceController, objects=[service("web"), ready_pod("p", "10.0.0.1"), foreign]) as run:
        await run.settle()
        (ours,) = [name for name in run.names(ENDPOINT_SLICES) if name != "mine"]
        await run.client.delete(ENDPOINT_SLICES, ours, namespace=NS)
        await run.settle()
        (ours,) = [name for name in run.names(ENDPOINT_SLICES) if name != "mine"]
        await run.client.patch(ENDPOINT_SLICES, ours, {"endpoints": []}, namespace=NS)
        await run.settle()
        assert addresses(run) == ["10.0.0.1"]
        assert "mine" in run.names(ENDPOINT_SLICES)


async def test_traffic_distribution_becomes_hints() -> None:
    objects = [
        node("n1", zone="z1"),
        service("web", trafficDistribution="PreferSameZone"),
        ready_pod("p", "10.0.0.1", node="n1"),
    ]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        assert endpoints(run)[0]["hints"] == {"forZones": [{"name": "z1"}]}
        await run.client.patch(SERVICES, "web", {"spec": {"trafficDistribution": "PreferSameNode"}}, namespace=NS)
        await run.settle()
        assert endpoints(run)[0]["hints"] == {"forZones": [{"name": "z1"}], "forNodes": [{"name": "n1"}]}
        await run.client.patch(SERVICES, "web", {"spec": {"trafficDistribution": None}}, namespace=NS)
        await run.settle()
        assert "hints" not in endpoints(run)[0]


async def test_the_zone_follows_the_node() -> None:
    objects = [node("n1"), service("web"), ready_pod("p", "10.0.0.1", node="n1")]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        assert "zone" not in endpoints(run)[0]
        labels: Any = {"metadata": {"labels": {"topology.kubernetes.io/zone": "z9"}}}
        await run.client.patch(NODES, "n1", labels)
        await run.settle()
        assert endpoints(run)[0]["zone"] == "z9"


async def test_labels_of_the_service_are_followed_and_headless_ones_marked() -> None:
    async with running(EndpointSliceController, objects=[service("web", clusterIP="None")]) as run:
        await run.settle()
        assert "service.kubernetes.io/headless" in labels_of(run.client.all(ENDPOINT_SLICES)[0])
        await run.client.patch(SERVICES, "web", {"metadata": {"labels": {"a": "b"}}}, namespace=NS)
        await run.settle()
        assert labels_of(run.client.all(ENDPOINT_SLICES)[0])["a"] == "b"


async def test_hostnames_are_for_the_subdomain_of_the_service_only() -> None:
    one = ready_pod("one", "10.0.0.1")
    one["spec"] |= {"hostname": "h", "subdomain": "web"}
    two = ready_pod("two", "10.0.0.2")
    two["spec"] |= {"hostname": "h", "subdomain": "other"}
    async with running(EndpointSliceController, objects=[service("web", clusterIP="None"), one, two]) as run:
        await run.settle()
        names = {e["targetRef"]["name"]: e.get("hostname") for e in endpoints(run)}
        assert names == {"one": "h", "two": None}


async def test_a_quiet_service_costs_nothing() -> None:
    async with running(EndpointSliceController, objects=[service("web"), ready_pod("p", "10.0.0.1")]) as run:
        await run.settle()
        before = run.writes(ENDPOINT_SLICES)
        await run.client.patch(PODS, "p", {"metadata": {"annotations": {"noise": "x"}}}, namespace=NS)
        await run.settle(60, step=5)
        assert run.writes(ENDPOINT_SLICES) == before
        assert [name_of(item) for item in run.client.all(ENDPOINT_SLICES)]


async def test_lost_watches_leave_no_double_slices() -> None:
    async with running(EndpointSliceController, objects=[service("web")]) as run:
        for number in range(30):
            run.client.add(ready_pod(f"p{number}", f"10.0.0.{number + 1}"))
            if number % 5 == 0:
                run.client.drop_watches()
            if number % 10 == 0:
                run.client.compact()
            await run.settle(0.3)
        await run.settle(200, step=2)
        assert len(addresses(run)) == 30
        assert len(run.names(ENDPOINT_SLICES)) == 1


async def test_slices_are_as_large_as_the_flag_says() -> None:
    pods = [ready_pod(f"p{number}", f"10.0.0.{number}") for number in range(1, 8)]
    options = ControllerSettings(max_endpoints_per_slice=3)
    async with running(EndpointSliceController, objects=[service("web"), *pods], options=options) as run:
        await run.settle(3)
        assert sorted(len(item["endpoints"]) for item in run.client.all(ENDPOINT_SLICES)) == [1, 3, 3]


async def test_what_cannot_be_written_is_said() -> None:
    async with running(EndpointSliceController) as run:
        run.client.on(refusing(ENDPOINT_SLICES))
        run.client.add(service("web"))
        await run.settle()
        note = "Error updating Endpoint Slices for Service default/web: no"
        assert set(run.events("web")) == {("FailedToUpdateEndpointSlices", note)}


async def test_a_slice_that_is_not_needed_becomes_one_that_is() -> None:
    """A proxy that watches never sees the Service without a slice."""
    async with running(EndpointSliceController, objects=[service("web"), ready_pod("p", "10.0.0.1")]) as run:
        await run.settle()
        (name,) = run.names(ENDPOINT_SLICES)
        ports = [{"port": 80, "targetPort": 8080}]
        await run.client.patch(SERVICES, "web", {"spec": {"ports": ports}}, namespace=NS)
        await run.settle()
        assert run.names(ENDPOINT_SLICES) == [name]
        assert run.get(ENDPOINT_SLICES, name)["ports"] == [{"name": "", "port": 8080, "protocol": "TCP"}]
        verbs = [action.verb for action in run.client.actions if action.resource == ENDPOINT_SLICES]
        assert "delete" not in verbs
        await run.client.delete(PODS, "p", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle()
        assert run.names(ENDPOINT_SLICES) == [name]


async def test_changes_are_collected_for_as_long_as_the_flag_says() -> None:
    options = ControllerSettings(endpointslice_updates_batch_period=timedelta(seconds=5))
    async with running(EndpointSliceController, objects=[service("web")], options=options) as run:
        await run.settle()
        before = run.writes(ENDPOINT_SLICES)
        for number in range(1, 5):
            run.client.add(ready_pod(f"p{number}", f"10.0.0.{number}"))
            await run.settle(1)
        assert run.writes(ENDPOINT_SLICES) == before
        await run.settle(2)
        assert len(addresses(run)) == 4
        assert run.writes(ENDPOINT_SLICES) == before + 1


async def test_pods_of_nodes_that_nobody_knows_are_left_out_until_the_node_is_there() -> None:
    objects = [service("web"), ready_pod("p", "10.0.0.1", node="n1"), ready_pod("q", "10.0.0.2", node="n2"), node("n2")]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        assert addresses(run) == ["10.0.0.2"]
        note = "skipping Pod p for Service default/web: Node n1 Not Found"
        message = f"Error updating Endpoint Slices for Service default/web: {note}"
        assert ("FailedToUpdateEndpointSlices", message) in run.events("web")
        run.client.add(node("n1"))
        await run.settle()
        assert sorted(addresses(run)) == ["10.0.0.1", "10.0.0.2"]


async def test_a_service_that_publishes_everything_does_not_ask_for_nodes() -> None:
    objects = [service("web", publishNotReadyAddresses=True), ready_pod("p", "10.0.0.1", node="n1")]
    async with running(EndpointSliceController, objects=objects) as run:
        await run.settle()
        assert addresses(run) == ["10.0.0.1"]
