from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of, owner_references_of
from cloudk8s.client.resources import ENDPOINT_SLICES, ENDPOINTS, SERVICES
from cloudk8s.controllers.endpoint_slice.mirroring import EndpointSliceMirroringController
from cloudk8s.controllers.settings import ControllerSettings
from tests.controllers.harness import NS, Harness, running, service


def subset(*addresses: str, port: int = 80, **fields: Any) -> Object:
    return {"addresses": [{"ip": ip} for ip in addresses], "ports": [{"name": "http", "port": port}], **fields}


def endpoints(*subsets: Object, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "ext", "namespace": NS, **metadata},
        "subsets": list(subsets),
    }  # fmt: skip


def by_hand() -> Object:
    return service("ext", selector=None)


def slices(run: Harness) -> list[Object]:
    return run.client.all(ENDPOINT_SLICES)


async def test_endpoints_kept_by_hand_are_mirrored() -> None:
    given = endpoints(
        subset("10.0.0.1", notReadyAddresses=[{"ip": "10.0.0.2", "nodeName": "n0", "hostname": "h"}]),
        labels={"a": "b"}, annotations={"note": "1", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
    )  # fmt: skip
    async with running(EndpointSliceMirroringController, objects=[by_hand(), given]) as run:
        await run.settle()
        (item,) = slices(run)
        assert labels_of(item) == {
            "a": "b", "kubernetes.io/service-name": "ext",
            "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
        }  # fmt: skip
        assert annotations_of(item) == {"note": "1"}
        (owner,) = owner_references_of(item)
        assert (owner["kind"], owner["controller"]) == ("Endpoints", True)
        assert item["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
        assert item["endpoints"] == [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": True}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": False}, "hostname": "h", "nodeName": "n0"},
        ]
        before = len(run.client.actions)
        await run.settle(2)
        assert len(run.client.actions) == before


async def test_changes_and_removal_follow() -> None:
    async with running(EndpointSliceMirroringController, objects=[by_hand(), endpoints(subset("10.0.0.1"))]) as run:
        await run.settle()
        (first,) = slices(run)
        changed = {"subsets": [subset("10.0.0.9")], "metadata": {"labels": {"x": "y"}}}
        await run.client.patch(ENDPOINTS, "ext", changed, namespace=NS)
        await run.settle()
        (item,) = slices(run)
        assert item["endpoints"][0]["addresses"] == ["10.0.0.9"]
        assert labels_of(item)["x"] == "y"
        assert item["metadata"]["name"] == first["metadata"]["name"]
        await run.client.delete(ENDPOINTS, "ext", namespace=NS)
        await run.settle()
        assert slices(run) == []


async def test_families_and_ports_have_slices_of_their_own() -> None:
    given = endpoints(subset("10.0.0.1", "fd00::1"), subset("10.0.0.2", port=8080))
    async with running(EndpointSliceMirroringController, objects=[by_hand(), given]) as run:
        await run.settle()
        found = sorted((item["addressType"], item["ports"][0]["port"]) for item in slices(run))
        assert found == [("IPv4", 80), ("IPv4", 8080), ("IPv6", 80)]


async def test_what_should_not_be_mirrored_is_not() -> None:
    for given, owner in (
        (endpoints(subset("10.0.0.1")), service("ext")),
        (endpoints(subset("10.0.0.1"), labels={"endpointslice.kubernetes.io/skip-mirror": "true"}), by_hand()),
        (endpoints(subset("10.0.0.1"), annotations={"control-plane.alpha.kubernetes.io/leader": "x"}), by_hand()),
        (endpoints(subset("10.0.0.1")), service("other", selector=None)),
        (endpoints(), by_hand()),
    ):
        async with running(EndpointSliceMirroringController, objects=[owner, given]) as run:
            await run.settle()
            assert slices(run) == []


async def test_a_service_that_begins_to_select_pods_loses_its_mirrored_slices() -> None:
    async with running(EndpointSliceMirroringController, objects=[by_hand(), endpoints(subset("10.0.0.1"))]) as run:
        await run.settle()
        assert len(slices(run)) == 1
        await run.client.patch(SERVICES, "ext", {"spec": {"selector": {"app": "web"}}}, namespace=NS)
        await run.settle()
        assert slices(run) == []


async def test_addresses_beyond_a_thousand_are_said_and_left_out() -> None:
    many = [f"10.1.{number // 250}.{number % 250 + 1}" for number in range(1005)]
    async with running(EndpointSliceMirroringController, objects=[by_hand(), endpoints(subset(*many))]) as run:
        await run.settle()
        assert sum(len(item["endpoints"]) for item in slices(run)) == 1000
        message = (
            "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 5 addresses were skipped"
        )
        assert ("TooManyAddressesToMirror", message) in run.events("ext")


async def test_how_many_addresses_are_mirrored_can_be_chosen() -> None:
    few = ControllerSettings(mirroring_max_endpoints_per_subset=2)
    given = endpoints(subset("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    async with running(EndpointSliceMirroringController, objects=[by_hand(), given], options=few) as run:
        await run.settle()
        assert sum(len(item["endpoints"]) for item in slices(run)) == 2
