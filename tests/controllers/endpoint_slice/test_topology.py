from __future__ import annotations

from collections import Counter

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of
from cloudk8s.client.resources import ENDPOINT_SLICES, NODES, PODS, SERVICES
from cloudk8s.controllers.endpoint_slice.controller import EndpointSliceController
from cloudk8s.controllers.endpoint_slice.endpoints import Endpoint
from cloudk8s.controllers.endpoint_slice.topology import NoHints, Zones, divide, zones_of
from tests.controllers.harness import NS, Harness, node, ready_pod, running, service


def in_zones(**counts: int) -> list[Endpoint]:
    zones = [zone for zone, count in counts.items() for _ in range(count)]
    return [
        {"addresses": [f"10.0.0.{index}"], "conditions": {"ready": True}, "zone": zone}
        for index, zone in enumerate(zones)
    ]


def shares(**values: float) -> Zones:
    return Zones(values, is_known=True)


@pytest.mark.parametrize(
    ("counts", "zones", "expected"),
    [
        ({"a": 3, "b": 3}, shares(a=0.5, b=0.5), {"a": 3, "b": 3}),
        ({"a": 6, "b": 0}, shares(a=0.5, b=0.5), {"a": 3, "b": 3}),
        ({"a": 6, "b": 6}, shares(a=0.75, b=0.25), {"a": 9, "b": 3}),
        ({"a": 4, "b": 4, "c": 1}, shares(a=1 / 3, b=1 / 3, c=1 / 3), {"a": 3, "b": 3, "c": 3}),
    ],
)
def test_endpoints_are_shared_out_by_cpu(counts: dict[str, int], zones: Zones, expected: dict[str, int]) -> None:
    assert Counter(divide(in_zones(**counts), zones).values()) == expected


@pytest.mark.parametrize(
    ("endpoints", "zones", "reason"),
    [
        (in_zones(a=3), shares(a=1.0), "Insufficient number of Zones"),
        (in_zones(a=1), shares(a=0.5, b=0.5), "Insufficient number of endpoints"),
        (in_zones(a=1, b=1), shares(a=0.9, b=0.1), "Insufficient number of endpoints"),
        (in_zones(a=3), Zones({}, is_known=False), "Nodes do not have enough information"),
        ([*in_zones(a=3, b=2), {"addresses": ["x"], "conditions": {}}], shares(a=0.5, b=0.5), "do not have a zone"),
    ],
)
def test_where_it_is_not_safe_there_are_no_hints(endpoints: list[Endpoint], zones: Zones, reason: str) -> None:
    with pytest.raises(NoHints, match=reason):
        divide(endpoints, zones)


def worker(name: str, zone: str, cpu: str = "4", **labels: str) -> Object:
    made = node(name, zone=zone)
    made["metadata"]["labels"] |= labels
    made["status"]["allocatable"] = {"cpu": cpu}
    return made


def test_only_nodes_that_do_work_count() -> None:
    control_plane = worker("c", "z", **{"node-role.kubernetes.io/control-plane": ""})
    down = worker("d", "y")
    down["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    nodes = [worker("a", "x", "3"), worker("b", "y", "1"), control_plane, down]
    assert zones_of(nodes) == Zones({"x": 0.75, "y": 0.25}, is_known=True)
    assert zones_of([*nodes, node("e")]) == Zones({}, is_known=False)


def hints(run: Harness) -> list[str]:
    return [
        zone["name"]
        for item in run.client.all(ENDPOINT_SLICES)
        for endpoint in item["endpoints"]
        for zone in (endpoint.get("hints") or {}).get("forZones", ())
    ]


async def test_a_service_in_auto_mode_has_hints_while_it_is_safe_and_says_so() -> None:
    made = service("web")
    made["metadata"]["annotations"] = {"service.kubernetes.io/topology-mode": "Auto"}
    pods = [ready_pod(f"p{i}", f"10.0.0.{i}", node="n1" if i < 4 else "n2") for i in range(6)]
    async with running(EndpointSliceController, objects=[worker("n1", "a"), worker("n2", "b"), made, *pods]) as run:
        await run.settle()
        assert sorted(hints(run)) == ["a", "a", "a", "b", "b", "b"]
        message = "Topology Aware Hints has been enabled, addressType: IPv4"
        assert run.events("web") == [("TopologyAwareHintsEnabled", message)]
        await run.client.patch(NODES, "n2", {"status": {"allocatable": {"cpu": "8"}}}, subresource="status")
        await run.settle(2)
        assert sorted(hints(run)) == ["a", "a", "b", "b", "b", "b"]
        await run.client.patch(NODES, "n2", {"metadata": {"labels": {"topology.kubernetes.io/zone": "a"}}})
        await run.settle(2)
        assert hints(run) == []
        assert "TopologyAwareHintsDisabled" in {reason for reason, _ in run.events("web")}


async def test_a_slice_says_when_its_change_came_about() -> None:
    def stamp() -> str | None:
        (item,) = run.client.all(ENDPOINT_SLICES)
        return annotations_of(item).get("endpoints.kubernetes.io/last-change-trigger-time")

    pod = ready_pod("p", "10.0.0.1")
    pod["status"]["conditions"][0]["lastTransitionTime"] = "2025-12-31T23:00:00Z"
    made = service("web")
    made["metadata"]["creationTimestamp"] = "2025-12-31T22:00:00Z"
    async with running(EndpointSliceController, objects=[made, pod]) as run:
        await run.settle(2)
        assert stamp() == "2025-12-31T22:00:00Z"
        await run.set_pod(run.get(PODS, "p"), ready=False)
        await run.settle()
        assert stamp() == "2026-01-01T00:00:02Z"
        await run.client.patch(SERVICES, "web", {"metadata": {"labels": {"a": "b"}}}, namespace=NS)
        await run.settle()
        assert stamp() is None
