from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import BUILT_IN, PODS, RESOURCE_SLICES
from cloudk8s.controllers.device_taints.controller import DeviceTaintEvictionController
from cloudk8s.controllers.device_taints.taints import due
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time, parse_time
from cloudk8s.testing.fake_client import FakeClient
from tests.controllers.harness import NS, Harness, ready_pod, running

RULES = Resource("resource.k8s.io", "v1beta2", "devicetaintrules", "DeviceTaintRule", namespaced=False)
RESOURCE = "resource.k8s.io/v1"
START = FakeClock().now()
TAINT = {"key": "broken", "value": "yes", "effect": "NoExecute", "timeAdded": format_time(START)}


def devices(*names: str, taints: Sequence[Object] = (), generation: int = 1, name: str = "slice") -> Object:
    """A slice whose first device has the taints."""
    made = [{"name": each, **({"taints": list(taints)} if taints and each == names[0] else {})} for each in names]
    spec = {"driver": "gpu", "pool": {"name": "n1", "generation": generation}, "devices": made}
    return {"apiVersion": RESOURCE, "kind": "ResourceSlice", "metadata": {"name": name}, "spec": spec}


def claim(name: str, pod: Object, device: str, *tolerations: Object) -> Object:
    result: Object = {"driver": "gpu", "pool": "n1", "device": device, "request": "r"}
    if tolerations:
        result["tolerations"] = list(tolerations)
    status = {
        "allocation": {"devices": {"results": [result]}},
        "reservedFor": [{"resource": "pods", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}],
    }
    metadata = {"name": name, "namespace": NS}
    return {"apiVersion": RESOURCE, "kind": "ResourceClaim", "metadata": metadata, "spec": {}, "status": status}


def user(name: str, *, node: str = "n1") -> Object:
    made = ready_pod(name, "10.0.0.1", node=node)
    made["metadata"]["uid"] = f"uid-{name}"
    made["spec"]["resourceClaims"] = [{"name": "gpu", "resourceClaimName": name}]
    return made


def rule(name: str = "rule", *, effect: str = "NoExecute", selector: Object | None = None) -> Object:
    taint = {"key": "broken", "effect": effect, "timeAdded": format_time(START)}
    spec: Object = {"taint": taint}
    if selector is not None:
        spec["deviceSelector"] = selector
    metadata = {"name": name, "uid": f"uid-{name}", "generation": 1}
    return {"apiVersion": "resource.k8s.io/v1beta2", "kind": "DeviceTaintRule", "metadata": metadata, "spec": spec}


def for_seconds(seconds: int | None = None, **more: Any) -> Object:
    base = {"key": "broken", "operator": "Exists", "effect": "NoExecute", **more}
    return base if seconds is None else {**base, "tolerationSeconds": seconds}


def with_rules() -> FakeClient:
    return FakeClient(clock=FakeClock(), resources=(*BUILT_IN, RULES))


async def taint(run: Harness, *taints: Object) -> None:
    slices = devices("a", "b", taints=taints)
    await run.client.patch(RESOURCE_SLICES, "slice", {"spec": slices["spec"]})


async def test_pods_of_a_tainted_device_leave_when_their_toleration_ends() -> None:
    pods = {name: user(name) for name in ("none", "five", "ever", "other")}
    claims = [
        claim("none", pods["none"], "a"),
        claim("five", pods["five"], "a", for_seconds(5)),
        claim("ever", pods["ever"], "a", for_seconds()),
        claim("other", pods["other"], "b"),
    ]
    objects = [devices("a", "b"), *pods.values(), *claims]
    async with running(DeviceTaintEvictionController, objects=objects) as run:
        await run.settle()
        assert len(run.names(PODS)) == 4
        await taint(run, {**TAINT, "timeAdded": format_time(run.clock.now())})
        await run.settle(2)
        assert run.names(PODS) == ["ever", "five", "other"]
        await run.settle(4)
        assert run.names(PODS) == ["ever", "other"]
        assert run.events("none") == [("DeviceTaintManagerEviction", "Marking for deletion")]


async def test_the_condition_says_why() -> None:
    pod = user("p")
    async with running(
        DeviceTaintEvictionController, objects=[devices("a", taints=[TAINT]), pod, claim("p", pod, "a")]
    ) as run:
        run.has_kubelet = False
        await run.settle()
        target = condition(run.get(PODS, "p"), "DisruptionTarget")
        assert target is not None
        assert (target["status"], target["reason"]) == ("True", "DeletionByDeviceTaintManager")
        assert target["message"] == "Device Taint manager: deleting due to NoExecute taint"


async def test_a_taint_that_goes_in_time_spares_the_pod() -> None:
    pod = user("p")
    objects = [devices("a", taints=[TAINT]), pod, claim("p", pod, "a", for_seconds(10))]
    async with running(DeviceTaintEvictionController, objects=objects) as run:
        await run.settle(5)
        await taint(run)
        await run.settle(20, step=1)
        assert run.names(PODS) == ["p"]
        assert run.events("p") == [("DeviceTaintManagerEviction", "Cancelling deletion")]


async def test_what_does_not_evict() -> None:
    """Other effects, an older generation of the pool, pods without a node, claims that are not reserved for the pod."""
    unplaced, waiting = user("unplaced", node=""), user("waiting")
    not_reserved = claim("waiting", waiting, "a")
    not_reserved["status"]["reservedFor"] = []
    objects = [
        devices("a", taints=[{**TAINT, "effect": "NoSchedule"}], generation=2, name="new"),
        devices("a", taints=[TAINT], generation=1, name="old"),
        *(unplaced, waiting, not_reserved, claim("unplaced", unplaced, "a")),
    ]
    async with running(DeviceTaintEvictionController, objects=objects) as run:
        run.has_kubelet = False
        await run.settle(5)
        assert run.names(PODS) == ["unplaced", "waiting"]
        assert not any(p["metadata"].get("deletionTimestamp") for p in run.client.all(PODS))


async def test_a_claim_that_is_allocated_later_counts_too() -> None:
    pod = user("p")
    async with running(DeviceTaintEvictionController, objects=[devices("a", taints=[TAINT]), pod]) as run:
        await run.settle(1)
        assert run.names(PODS) == ["p"]
        run.client.add(claim("p", pod, "a"))
        await run.settle(1)
        assert run.names(PODS) == []


@pytest.mark.parametrize(
    ("selector", "left"),
    [
        (None, ["p", "q"]),
        ({}, []),
        ({"device": "a"}, ["q"]),
        ({"driver": "gpu", "pool": "n1", "device": "b"}, ["p"]),
        ({"driver": "other"}, ["p", "q"]),
    ],
)
async def test_a_rule_taints_what_it_selects(selector: Object | None, left: list[str]) -> None:
    p, q = user("p"), user("q")
    objects = [devices("a", "b"), p, q, claim("p", p, "a"), claim("q", q, "b")]
    async with running(DeviceTaintEvictionController, client=with_rules(), objects=objects) as run:
        await run.settle(1)
        run.client.add(rule(selector=selector))
        await run.settle(2)
        assert run.names(PODS) == left


async def test_a_rule_says_what_it_does() -> None:
    client, pods = with_rules(), [user("p"), user("q")]
    claims = [claim(p["metadata"]["name"], p, "a", for_seconds(3)) for p in pods]
    objects = [
        devices("a", "b"),
        *pods,
        *claims,
        rule(selector={"device": "a"}),
        rule("idle", selector={"device": "x"}),
    ]
    async with running(DeviceTaintEvictionController, client=client, clock=client.clock, objects=objects) as run:  # type: ignore[arg-type]
        await run.settle(1)
        assert said(run, "rule") == ("True", "PodsPendingEviction", "2 pods need to be evicted in 1 namespace.")
        assert said(run, "idle") == ("False", "NotStarted", "")
        await run.settle(30, step=0.5)
        assert run.names(PODS) == []
        assert said(run, "rule") == ("False", "Completed", "2 pods evicted since starting the controller.")
        written = run.writes(RULES)
        await run.settle(60, step=1)
        assert run.writes(RULES) == written


@pytest.mark.parametrize(
    ("effect", "reason", "message"),
    [
        (
            "None",
            "NoEffect",
            "1 published device selected. 1 allocated device selected. 1 pod would be evicted in 1 namespace if the "
            "effect was NoExecute. This information will not be updated again. Recreate the DeviceTaintRule to trigger "
            "an update.",
        ),
        ("NoSchedule", "OtherEffect", "Eviction only happens for the NoExecute effect."),
    ],
)
async def test_a_rule_that_ends_nothing_says_so(effect: str, reason: str, message: str) -> None:
    client, pod = with_rules(), user("p")
    objects = [devices("a", "b"), pod, claim("p", pod, "a"), rule(effect=effect, selector={"device": "a"})]
    async with running(DeviceTaintEvictionController, client=client, clock=client.clock, objects=objects) as run:  # type: ignore[arg-type]
        await run.settle(30, step=0.5)
        assert run.names(PODS) == ["p"]
        assert said(run, "rule") == ("False", reason, message)
        assert run.writes(RULES) == 1


@pytest.mark.parametrize(
    ("toleration", "seconds"),
    [
        ({"operator": "Exists"}, None),
        ({"operator": "Exists", "effect": "NoSchedule"}, 0),
        ({"key": "broken", "value": "yes"}, None),
        ({"key": "broken", "value": "no"}, 0),
        (for_seconds(7), 7),
        (for_seconds(-7), 0),
    ],
)
def test_what_a_toleration_covers(toleration: Object, seconds: int | None) -> None:
    at = due(TAINT, [toleration])
    assert (at and (at - parse_time(TAINT["timeAdded"])).total_seconds()) == seconds


def said(run: Harness, name: str) -> tuple[str, str, str]:
    (found,) = run.get(RULES, name)["status"]["conditions"]
    assert found["type"] == "EvictionInProgress"
    return found["status"], found["reason"], found["message"]
