"""Devices: which a claim gets, where, and what is written down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource, WatchEvent
from cloudk8s.client.resources import PODS, RESOURCE_CLAIMS, RESOURCE_SLICES
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.expressions import ExpressionError, Version, compile_expression
from cloudk8s.scheduler.configuration.model import SchedulerConfiguration
from cloudk8s.scheduler.plugins.dynamic_resources import DynamicResources, _Pending
from cloudk8s.testing.fake_client import FakeClient
from tests.scheduler.harness import NS, Harness, node, pod, running
from tests.scheduler.table import Table

API = "resource.k8s.io/v1"
DRIVER = "gpu.example.com"
LONG_AGO = "2025-12-31T00:00:00Z"


def device(name: str, model: str = "A", memory: str = "40Gi", **more: Any) -> dict[str, Any]:
    attributes = {"model": {"string": model}, "driverVersion": {"version": "1.2.3"}, "numa": {"int": 0}}
    return {"name": name, "attributes": attributes, "capacity": {"memory": {"value": memory}}, **more}


def resource_slice(
    name: str, *devices: Any, node_name: str = "", generation: int = 1, count: int = 1, pool: str = ""
) -> Object:
    place = {"nodeName": node_name} if node_name else {"allNodes": True}
    pools = {"name": pool or name, "generation": generation, "resourceSliceCount": count}
    spec = {"driver": DRIVER, "pool": pools, "devices": list(devices), **place}
    return {"apiVersion": API, "kind": "ResourceSlice", "metadata": {"name": name}, "spec": spec}


def device_class(name: str = "gpu", *expressions: str, **spec: Any) -> Object:
    chosen = expressions or (f'device.driver == "{DRIVER}"',)
    selectors = [{"cel": {"expression": text}} for text in chosen]
    return {
        "apiVersion": API,
        "kind": "DeviceClass",
        "metadata": {"name": name},
        "spec": {"selectors": selectors, **spec},
    }


def request(name: str = "r", *expressions: str, **more: Any) -> dict[str, Any]:
    selectors = [{"cel": {"expression": text}} for text in expressions]
    return {"name": name, "exactly": {"deviceClassName": "gpu", "selectors": selectors, **more}}


def claim(name: str, *requests: Any, status: Any = None, **devices: Any) -> Object:
    return {
        "apiVersion": API, "kind": "ResourceClaim", "metadata": {"name": name, "namespace": NS},
        "spec": {"devices": {"requests": list(requests) or [request()], **devices}}, "status": status or {},
    }  # fmt: skip


def user(name: str, *claims: str, **more: Any) -> Object:
    references = [{"name": f"c{at}", "resourceClaimName": key} for at, key in enumerate(claims)]
    return pod(name, resourceClaims=references, **more)


def allocated(*devices: str, pool: str = "a", node_name: str = "") -> dict[str, Any]:
    results = [{"request": "r", "driver": DRIVER, "pool": pool, "device": name} for name in devices]
    found: dict[str, Any] = {"devices": {"results": results}}
    if node_name:
        field = {"key": "metadata.name", "operator": "In", "values": [node_name]}
        found["nodeSelector"] = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return {"allocation": found}


def test_devices_are_where_their_slices_say() -> None:
    table = Table(node("a"), node("b"), device_class(), resource_slice("a", device("d"), node_name="a"), claim("c"))
    assert table.fits(user("p", "c")) == {"a"}
    assert table.fits(pod("plain")) == {"a", "b"}


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (request("r", 'device.attributes["gpu.example.com"].model == "B"'), {"b"}),
        (request("r", 'device.capacity["gpu.example.com"].memory.compareTo(quantity("60Gi")) >= 0'), {"b"}),
        (request("r", 'device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.2.0"))'), {"a", "b"}),
        (request("r", 'device.attributes["other.io"].model == "B"'), set()),
        (request("r", "this is not an expression"), set()),
        (request("r", count=2), {"a"}),
        (request("r", count=3), set()),
        (request("r", allocationMode="All"), {"a", "b"}),
    ],
)
def test_requests(wanted: Any, fits: set[str]) -> None:
    slices = [
        resource_slice("a", device("d1"), device("d2"), node_name="a"),
        resource_slice("b", device("d3", "B", "80Gi"), node_name="b"),
    ]
    table = Table(node("a"), node("b"), node("c"), device_class(), *slices, claim("c", wanted))
    assert table.fits(user("p", "c")) == fits


def test_what_others_have_is_taken() -> None:
    slices = [resource_slice("a", device("d"), node_name="a")]
    table = Table(node("a"), device_class(), *slices, claim("other", status=allocated("d")), claim("c"))
    assert table.why(user("p", "c")) == "0/1 nodes are available: 1 cannot allocate all claims."
    admin = claim("watch", request("r", adminAccess=True))
    assert Table(node("a"), device_class(), *slices, claim("other", status=allocated("d")), admin).fits(
        user("p", "watch")
    )


def test_a_claim_that_is_allocated_stays_where_it_is() -> None:
    table = Table(node("a"), node("b"), device_class(), claim("c", status=allocated("d", node_name="b")))
    assert table.fits(user("p", "c")) == {"b"}
    only = Table(node("a"), device_class(), claim("c", status=allocated("d", node_name="b")))
    assert only.why(user("p", "c")) == "0/1 nodes are available: 1 resourceclaim not available on the node."


def test_constraints_make_the_search_go_back() -> None:
    devices = [
        device("d1", attributes={"numa": {"int": 0}, "model": {"string": "A"}}),
        device("d2", attributes={"numa": {"int": 1}, "model": {"string": "A"}}),
        device("d3", attributes={"numa": {"int": 1}, "model": {"string": "B"}}),
    ]
    same = [{"requests": [], "matchAttribute": f"{DRIVER}/numa"}]
    both = claim(
        "c", request("one"), request("two", 'device.attributes["gpu.example.com"].model == "B"'), constraints=same
    )
    table = Table(node("a"), device_class(), resource_slice("a", *devices, node_name="a"), both)
    assert table.fits(user("p", "c")) == {"a"}
    different = [{"requests": [], "distinctAttribute": f"{DRIVER}/numa"}]
    three = claim("c", request("r", count=3), constraints=different)
    assert (
        Table(node("a"), device_class(), resource_slice("a", *devices, node_name="a"), three).fits(user("p", "c"))
        == set()
    )


def test_alternatives_are_tried_in_order() -> None:
    alternatives = [
        {"name": "big", "deviceClassName": "gpu", "count": 2},
        {"name": "small", "deviceClassName": "gpu", "count": 1},
    ]
    wanted = claim("c", {"name": "r", "firstAvailable": alternatives})
    table = Table(node("a"), device_class(), resource_slice("a", device("d"), node_name="a"), wanted)
    assert table.fits(user("p", "c")) == {"a"}


def test_tainted_devices_need_tolerations() -> None:
    tainted = device("d", taints=[{"key": "broken", "effect": "NoSchedule"}])
    slices = resource_slice("a", tainted, node_name="a")
    assert Table(node("a"), device_class(), slices, claim("c")).fits(user("p", "c")) == set()
    tolerant = claim("c", request("r", tolerations=[{"key": "broken", "operator": "Exists"}]))
    assert Table(node("a"), device_class(), slices, tolerant).fits(user("p", "c")) == {"a"}


def test_only_complete_pools_of_the_latest_generation_count() -> None:
    old = resource_slice("old", device("d1"), node_name="a", generation=1, pool="p")
    new = resource_slice("new", device("d2"), node_name="a", generation=2, count=2, pool="p")
    assert Table(node("a"), device_class(), old, new, claim("c")).fits(user("p", "c")) == set()
    rest = resource_slice("rest", device("d3"), node_name="a", generation=2, count=2, pool="p")
    assert Table(node("a"), device_class(), old, new, rest, claim("c", request("r", count=2))).fits(user("p", "c")) == {
        "a"
    }


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([], 'resourceclaim "c" not found'),
        ([claim("c")], "request r: device class gpu does not exist"),
        (
            [claim("c", status=allocated("d") | {"reservedFor": [{"uid": str(n)} for n in range(256)]})],
            "resourceclaim in use",
        ),
    ],
)
def test_claims_that_cannot_be_used(objects: list[Object], message: str) -> None:
    assert Table(node("a"), *objects).why(user("p", "c")) == f"0/1 nodes are available: {message}."


def test_what_is_there_already_may_be_told_while_the_plugin_is_made() -> None:
    class Full:
        """An informer that has its objects already."""

        def add_handler(self, handler: Callable[[Object | None, Object | None], None]) -> None:
            handler(None, resource_slice("a", device("d")))

    informers = SimpleNamespace(of=lambda resource: Full())
    handle: Any = SimpleNamespace(client=None, clock=None, shared=defaultdict(dict), informers=informers)
    assert DynamicResources({}, handle).name == "DynamicResources"


async def test_an_allocation_is_written_before_the_pod_is_bound() -> None:
    config = [{"opaque": {"driver": DRIVER, "parameters": {"mode": "fast"}}}]
    objects = [node("a"), device_class("gpu", config=config), resource_slice("a", device("d"), node_name="a")]
    async with running(*objects, claim("c"), user("p", "c")) as run:
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        assert found["metadata"]["finalizers"] == ["resource.kubernetes.io/delete-protection"]
        allocation = found["status"]["allocation"]
        assert allocation["devices"]["results"] == [{"request": "r", "driver": DRIVER, "pool": "a", "device": "d"}]
        assert allocation["devices"]["config"] == [{"source": "FromClass", "requests": ["r"], **config[0]}]
        assert allocation["nodeSelector"]["nodeSelectorTerms"][0]["matchFields"][0]["values"] == ["a"]
        (reserved,) = found["status"]["reservedFor"]
        assert (reserved["resource"], reserved["name"]) == ("pods", "p")
        assert run.node_of("p") == "a"


async def test_two_pods_share_a_claim_and_a_third_claim_waits() -> None:
    objects = [node("a"), node("b"), device_class(), resource_slice("a", device("d"), node_name="a")]
    pods = [user("p", "c"), user("q", "c"), user("r", "other")]
    async with running(*objects, claim("c"), claim("other"), *pods) as run:
        await run.settle(12)
        placed = run.placement()
        assert sorted(name for name, where in placed.items() if where == "a") in (["p", "q"], ["r"])


async def test_a_claim_that_is_made_later_lets_the_pod_in() -> None:
    objects = [node("a"), device_class(), resource_slice("a", device("d"), node_name="a")]
    async with running(*objects, user("p", "c")) as run:
        assert run.scheduler.queue.counts["gated"] == 1
        run.client.add(claim("c"))
        await run.settle(3)
        assert run.node_of("p") == "a"


async def test_devices_that_are_freed_are_given_to_those_who_wait() -> None:
    objects = [node("a"), device_class(), resource_slice("a", device("d"), node_name="a")]
    async with running(*objects, claim("old", status=allocated("d")), claim("c"), user("p", "c")) as run:
        assert run.node_of("p") == ""
        patch = {"status": {"allocation": None}}
        await run.client.patch(RESOURCE_CLAIMS, "old", patch, namespace=NS, subresource="status")
        await run.settle(3)
        assert run.node_of("p") == "a"


SCOPE = {"device": {"driver": "x", "attributes": {"d": {"n": 3, "s": "abc", "b": True}}}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('device.driver == "x"', True),
        ('device.attributes["d"].n > 2 && device.attributes["d"].n <= 3', True),
        ('device.attributes["d"].s.startsWith("ab") || false', True),
        ('!(device.attributes["d"].b)', False),
        ('device.attributes["d"].s in ["abc", "def"]', True),
        ('"d" in device.attributes ? 1 : 2', 1),
        ('has(device.attributes["d"].missing)', False),
        ('device.attributes["d"].missing == 1 || true', True),
        ('device.attributes["d"].s.matches("^a.c$")', True),
        ("-1 < 0", True),
        ("'it\\'s' == \"it's\"", True),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    assert compile_expression(text)(SCOPE) == value


@pytest.mark.parametrize("text", ["", "device.", "1 +", "foo(1)", "device.x.frob()", "a b", "#", "(1"])
def test_expressions_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)


@pytest.mark.parametrize("text", ["device.missing", '"a" < 1', '1.startsWith("x")', "nothing"])
def test_expressions_that_cannot_be_answered(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)(SCOPE)


def test_versions_are_ordered() -> None:
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0"]
    assert sorted(map(Version.parse, reversed(texts))) == [Version.parse(text) for text in texts]
    with pytest.raises(ValueError, match="not a semantic version"):
        Version.parse("1.0")


def partition(name: str, memory: str, **more: Any) -> dict[str, Any]:
    """A part of a device whose memory all of its parts share."""
    counters = {"memory": {"value": memory}}
    return device(name, **more) | {"consumesCounters": [{"counterSet": "gpu-0", "counters": counters}]}


def counters(memory: str = "40Gi", *, pool: str = "a", count: int = 2) -> Object:
    found = resource_slice("counters", node_name="a", pool=pool, count=count)
    del found["spec"]["devices"]
    found["spec"]["sharedCounters"] = [{"name": "gpu-0", "counters": {"memory": {"value": memory}}}]
    return found


@pytest.mark.parametrize(
    ("taken", "wanted", "fits"),
    [
        ([], request("r", count=2), True),
        ([], request("r", count=3), True),
        ([], request("r", count=4), False),
        (["whole"], request("r"), False),
        (["small-1"], request("r", 'device.attributes["gpu.example.com"].model == "whole"'), False),
        (["small-1"], request("r", count=2), True),
        ([], request("r", 'device.attributes["gpu.example.com"].model == "whole"'), True),
    ],
)
def test_parts_of_a_device_share_what_it_has(taken: list[str], wanted: Any, fits: bool) -> None:
    parts = [partition("whole", "40Gi", model="whole"), partition("half", "20Gi")]
    parts += [partition(f"small-{n}", "10Gi") for n in (1, 2)]
    slices = [counters(), resource_slice("devices", *parts, node_name="a", pool="a", count=2)]
    others = [claim(f"other-{name}", status=allocated(name)) for name in taken]
    table = Table(node("a"), device_class(), *slices, *others, claim("c", wanted))
    assert bool(table.fits(user("p", "c"))) is fits


def test_a_part_of_something_that_is_not_there_is_not_there() -> None:
    parts = resource_slice("devices", partition("half", "20Gi"), node_name="a", pool="a")
    assert Table(node("a"), device_class(), parts, claim("c")).fits(user("p", "c")) == set()


def card(name: str = "card", policy: Any = None, bandwidth: str = "10G") -> dict[str, Any]:
    """A device that several may use at once."""
    capacity: dict[str, Any] = {"value": bandwidth}
    if policy is not None:
        capacity["requestPolicy"] = policy
    return {"name": name, "allowMultipleAllocations": True, "capacity": {"bandwidth": capacity}}


def share(amount: str, device: str = "card") -> dict[str, Any]:
    found = allocated(device)
    found["allocation"]["devices"]["results"][0] |= {"shareID": "x", "consumedCapacity": {"bandwidth": amount}}
    return found


def needing(amount: str | None, **more: Any) -> dict[str, Any]:
    return request("r", **({"capacity": {"requests": {"bandwidth": amount}}} if amount else {}), **more)


@pytest.mark.parametrize(
    ("policy", "taken", "wanted", "consumed"),
    [
        (None, [], needing("3G"), ["3G"]),
        (None, ["3G", "4G"], needing("3G"), ["3G"]),
        (None, ["3G", "5G"], needing("3G"), None),
        (None, [], needing(None), ["10G"]),
        (None, ["1G"], needing(None), None),
        ({"default": "1G"}, ["9G"], needing(None), ["1G"]),
        ({"default": "1G", "validValues": ["1G", "5G"]}, [], needing("2G"), ["5G"]),
        ({"default": "1G", "validValues": ["1G", "5G"]}, [], needing("6G"), None),
        ({"default": "1G", "validRange": {"min": "1G", "max": "8G", "step": "2G"}}, [], needing("4G"), ["5G"]),
        ({"default": "1G", "validRange": {"min": "1G", "max": "8G", "step": "2G"}}, [], needing("8G"), None),
        ({"default": "1G", "validRange": {"min": "2G"}}, [], needing("1G"), ["2G"]),
        (None, [], needing("4G", count=2), ["4G", "4G"]),
        (None, [], needing("4G", count=3), None),
    ],
)
async def test_a_device_that_several_use_is_shared_out(
    policy: Any, taken: list[str], wanted: Any, consumed: list[str] | None
) -> None:
    others = [claim(f"other-{at}", status=share(amount)) for at, amount in enumerate(taken)]
    slices = resource_slice("a", card(policy=policy), node_name="a")
    async with running(node("a"), device_class(), slices, *others, claim("c", wanted), user("p", "c")) as run:
        assert run.node_of("p") == ("a" if consumed else "")
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        if consumed:
            results = found["status"]["allocation"]["devices"]["results"]
            assert [result["consumedCapacity"]["bandwidth"] for result in results] == consumed
            assert len({result["shareID"] for result in results}) == len(consumed)


def test_a_device_of_ones_own_must_have_what_is_asked_for() -> None:
    slices = resource_slice("a", device("d"), node_name="a")
    for amount, fits in (("30Gi", {"a"}), ("50Gi", set())):
        wanted = claim("c", request("r", capacity={"requests": {"memory": amount}}))
        assert Table(node("a"), device_class(), slices, wanted).fits(user("p", "c")) == fits
    unheard = claim("c", request("r", capacity={"requests": {"unheard": "1"}}))
    assert Table(node("a"), device_class(), slices, unheard).fits(user("p", "c")) == set()


def test_too_many_devices_are_refused_without_trying_every_way() -> None:
    slices = resource_slice("a", *(device(f"d{at}") for at in range(100)), node_name="a")
    wanted = claim("c", request("r", count=101))
    assert Table(node("a"), device_class(), slices, wanted).fits(user("p", "c")) == set()
    slices = resource_slice("a", *(card(f"d{at}") for at in range(20)), node_name="a")
    wanted = claim("c", needing("6G", count=21))
    assert Table(node("a"), device_class(), slices, wanted).fits(user("p", "c")) == set()


async def test_an_allocation_says_where_devices_of_several_nodes_can_be_used() -> None:
    term = {"matchExpressions": [{"key": "rack", "operator": "In", "values": ["1"]}]}
    slices = resource_slice("a", device("d"))
    slices["spec"] = {**slices["spec"], "nodeSelector": {"nodeSelectorTerms": [term]}}
    del slices["spec"]["allNodes"]
    nodes = [node("a", labels={"rack": "1"}), node("b")]
    async with running(*nodes, device_class(), slices, claim("c"), user("p", "c"), user("q", "c")) as run:
        await run.settle(2)
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        assert found["status"]["allocation"]["nodeSelector"] == {"nodeSelectorTerms": [term]}
        assert run.placement() == {"p": "a", "q": "a"}


FABRIC: dict[str, Any] = {
    "bindsToNode": True,
    "bindingConditions": ["Attached"],
    "bindingFailureConditions": ["Unreachable"],
}


async def say(run: Harness, device: str, **conditions: str) -> None:
    """What a driver does: it writes conditions of an allocated device."""
    told = [
        {"type": type, "status": status, "reason": type, "message": "so it is", "lastTransitionTime": LONG_AGO}
        for type, status in conditions.items()
    ]
    status = {"devices": [{"driver": DRIVER, "pool": "a", "device": device, "conditions": told}]}
    await run.client.patch(RESOURCE_CLAIMS, "c", {"status": status}, namespace=NS, subresource="status")
    await run.settle(1)


async def test_a_pod_waits_until_its_devices_are_attached() -> None:
    slices = resource_slice("a", device("d", **FABRIC))
    async with running(node("a"), device_class(), slices, claim("c"), user("p", "c")) as run:
        await run.settle(5)
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        allocation = found["status"]["allocation"]
        assert allocation["devices"]["results"][0]["bindingConditions"] == ["Attached"]
        assert allocation["nodeSelector"]["nodeSelectorTerms"][0]["matchFields"][0]["values"] == ["a"]
        assert "allocationTimestamp" in allocation
        await say(run, "d", Attached="False")
        assert run.node_of("p") == ""
        await say(run, "d", Attached="True")
        assert run.node_of("p") == "a"


async def test_devices_that_cannot_be_attached_are_given_back_and_others_tried() -> None:
    slices = resource_slice("a", device("d1", **FABRIC), device("d2"))
    async with running(node("a"), device_class(), slices, claim("c"), user("p", "c")) as run:
        taints = [{"key": "gone", "effect": "NoSchedule"}]
        broken = resource_slice("a", device("d1", **FABRIC, taints=taints), device("d2"))
        await run.client.patch(RESOURCE_SLICES, "a", {"spec": broken["spec"]})
        await say(run, "d1", Unreachable="True")
        reasons = [message for _, message in run.events("p")]
        assert any(f"device {DRIVER}/a/d1 reports Unreachable: so it is" in message for message in reasons)
        await run.settle(20, step=1)
        assert run.node_of("p") == "a"
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        assert found["status"]["allocation"]["devices"]["results"][0]["device"] == "d2"


async def test_devices_that_a_running_pod_has_reserved_too_stay_its_own() -> None:
    taken = allocated("d")
    taken["allocation"]["devices"]["results"][0] |= {name: FABRIC[name] for name in FABRIC if name != "bindsToNode"}
    taken["reservedFor"] = [{"resource": "pods", "name": "q", "uid": "q-uid"}]
    slices = resource_slice("a", device("d", **FABRIC))
    async with running(node("a"), device_class(), slices, claim("c", status=taken), user("p", "c")) as run:
        await say(run, "d", Unreachable="True")
        await run.settle(20, step=1)
        assert any("reports Unreachable" in message for _, message in run.events("p"))
        assert run.node_of("p") == ""
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        assert found["status"]["allocation"] == taken["allocation"]
        assert found["status"]["reservedFor"] == taken["reservedFor"]


async def test_pods_that_wait_for_the_same_devices_give_them_up_together() -> None:
    slices = resource_slice("a", device("d1", **FABRIC), device("d2"))
    async with running(node("a"), device_class(), slices, claim("c"), user("p", "c"), user("q", "c")) as run:
        broken = resource_slice(
            "a", device("d1", **FABRIC, taints=[{"key": "gone", "effect": "NoSchedule"}]), device("d2")
        )
        await run.client.patch(RESOURCE_SLICES, "a", {"spec": broken["spec"]})
        await say(run, "d1", Unreachable="True")
        await run.settle(60, step=1)
        assert run.placement() == {"p": "a", "q": "a"}


async def test_a_device_counts_as_taken_before_its_claim_is_seen_to_have_it() -> None:
    """A watch may be behind what was written."""

    class Behind(FakeClient):
        @asynccontextmanager
        async def watch(self, resource: Resource, **how: Any) -> AsyncIterator[AsyncIterator[WatchEvent]]:
            async with super().watch(resource, **how) as events:
                yield self._late(events) if resource == RESOURCE_CLAIMS else events

        async def _late(self, events: AsyncIterator[WatchEvent]) -> AsyncIterator[WatchEvent]:
            async for event in events:
                if self.peek(PODS, "p", NS) is not None:
                    await self.clock.sleep(3)
                yield event

    clock = FakeClock()
    there = [node("a"), device_class(), resource_slice("a", device("d")), claim("c"), claim("other")]
    async with running(*there, client=Behind(clock=clock), clock=clock) as run:
        await run.create(user("p", "c"))
        await run.settle(1)
        assert run.node_of("p") == "a"
        await run.create(user("q", "other"))
        await run.settle(1)
        assert run.node_of("q") == ""
        await run.client.delete(RESOURCE_CLAIMS, "c", namespace=NS)
        await run.client.patch(RESOURCE_CLAIMS, "c", {"metadata": {"finalizers": None}}, namespace=NS)
        await run.settle(60, step=1)
        assert run.node_of("q") == "a"


async def test_pods_of_two_profiles_do_not_get_the_same_device() -> None:
    profiles = SchedulerConfiguration.model_validate(
        {"profiles": [{"schedulerName": "default-scheduler"}, {"schedulerName": "other"}]}
    )
    there = [node("a"), device_class(), resource_slice("a", device("d")), claim("c"), claim("e")]
    second = user("q", "e")
    second["spec"]["schedulerName"] = "other"
    async with running(*there, user("p", "c"), second, configuration=profiles) as run:
        await run.settle(20, step=1)
        assert sorted(run.placement().values()) == ["", "a"]


@pytest.mark.parametrize(
    ("version", "status", "is_shown"),
    [("4", {}, False), ("4", allocated("d"), True), ("5", allocated("d"), True), ("6", {}, True)],
)
def test_what_was_written_is_seen_also_where_it_was_taken_back_before(
    version: str, status: Any, is_shown: bool
) -> None:
    seen = claim("c", status=status)
    seen["metadata"]["resourceVersion"] = version
    assert _Pending(allocated("d")["allocation"], version=5).is_shown_by(seen) is is_shown
    assert _Pending(allocated("d")["allocation"]).is_shown_by(seen) is bool(status)


@pytest.mark.parametrize(
    ("holders", "fits"), [([], True), (["p-uid"], True), (["q-uid"], False), (["p-uid", "q-uid"], False)]
)
async def test_devices_on_a_node_that_a_pod_cannot_go_to_are_freed_for_it_alone(holders: list[str], fits: bool) -> None:
    """As after a binding that failed because the node had gone."""
    held = allocated("d", node_name="gone")
    held["reservedFor"] = [{"resource": "pods", "name": holder, "uid": holder} for holder in holders]
    waiting = user("p", "c")
    waiting["metadata"]["uid"] = "p-uid"
    slices = resource_slice("a", device("d"), node_name="a")
    async with running(node("a"), device_class(), slices, claim("c", status=held), waiting) as run:
        await run.settle(20, step=1)
        assert run.node_of("p") == ("a" if fits else "")
        [message] = {note for reason, note in run.events("p") if reason == "FailedScheduling"}
        assert ("deallocation of ResourceClaim completed" in message) is fits
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        assert bool(found["status"].get("allocation")) is True
        if not fits:
            assert found["status"] == held


async def test_devices_where_the_pod_does_not_fit_are_freed_only_if_it_fits_elsewhere_otherwise() -> None:
    held = allocated("d", node_name="a")
    slices = resource_slice("a", device("d"), node_name="a")
    large = pod("p", cpu="9", resourceClaims=[{"name": "c", "resourceClaimName": "c"}])
    async with running(node("a"), node("b"), device_class(), slices, claim("c", status=held), large) as run:
        await run.settle(20, step=1)
        found = run.client.peek(RESOURCE_CLAIMS, "c", NS)
        assert found is not None
        assert found["status"] == held


async def test_devices_have_only_so_long_to_be_attached() -> None:
    slices = resource_slice("a", device("d", **FABRIC))
    configuration = {"pluginConfig": [{"name": "DynamicResources", "args": {"bindingTimeout": "30s"}}]}
    profile = SchedulerConfiguration.model_validate({"profiles": [configuration]})
    objects = [node("a"), device_class(), slices, claim("c"), user("p", "c")]
    async with running(*objects, configuration=profile) as run:
        await run.settle(29, step=1)
        assert not any("timed out" in message for _, message in run.events("p"))
        await run.settle(3, step=1)
        assert any("timed out waiting for its devices" in message for _, message in run.events("p"))
