from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import condition, labels_of
from cloudk8s.client.resources import LEASES, NODES, PODS
from cloudk8s.controllers.node_lifecycle.controller import LEASE_NAMESPACE, NodeLifecycleController
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import InternalError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_micro_time, format_time
from cloudk8s.testing.fake_client import Action, FakeClient
from tests.controllers.harness import Harness, node, ready_pod, running

FAST = ControllerSettings(node_eviction_rate=100.0)


def lease(name: str) -> Object:
    metadata = {"name": name, "namespace": LEASE_NAMESPACE}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}


async def beat(run: Harness, seconds: float, *alive: str) -> None:
    """Let time pass while these nodes renew their leases."""
    for _ in range(round(seconds / 5)):
        for name in alive:
            spec = {"spec": {"renewTime": format_micro_time(run.clock.now())}}
            await run.client.patch(LEASES, name, spec, namespace=LEASE_NAMESPACE)
        await run.settle(5, step=0.5)


async def report(run: Harness, name: str, status: str, type: str = "Ready") -> None:
    """What a kubelet says of its node."""
    said = {"type": type, "status": status, "lastHeartbeatTime": format_time(run.clock.now())}
    patch: Any = {"status": {"conditions": [said]}}
    await run.client.patch(NODES, name, patch, type="strategic", subresource="status")


def taints(run: Harness, name: str) -> set[str]:
    found = run.get(NODES, name)["spec"].get("taints") or ()
    return {f"{taint['key'].rpartition('/')[2]}:{taint['effect']}" for taint in found}


async def test_a_silent_node_becomes_unknown_and_unreachable_and_its_pods_not_ready() -> None:
    objects = [*(n for i in range(4) for n in (node(f"n{i}"), lease(f"n{i}"))), ready_pod("p", "10.0.0.1", node="n0")]
    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        await beat(run, 45, "n0", "n1", "n2", "n3")
        assert taints(run, "n0") == set()
        await beat(run, 40, "n1", "n2", "n3")
        assert condition(run.get(NODES, "n0"), "Ready")["status"] == "True"  # type: ignore[index]
        await beat(run, 25, "n1", "n2", "n3")
        ready = condition(run.get(NODES, "n0"), "Ready")
        assert ready is not None
        assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
        assert ready["message"] == "Kubelet stopped posting node status."
        memory = condition(run.get(NODES, "n0"), "MemoryPressure")
        assert memory is not None
        assert (memory["status"], memory["reason"]) == ("Unknown", "NodeStatusNeverUpdated")
        assert taints(run, "n0") == {"unreachable:NoSchedule", "unreachable:NoExecute"}
        assert all("timeAdded" in taint for taint in run.get(NODES, "n0")["spec"]["taints"])
        assert taints(run, "n1") == set()
        assert condition(run.get(PODS, "p"), "Ready")["status"] == "False"  # type: ignore[index]
        assert ("NodeNotReady", "Node n0 status is now: NodeNotReady") in run.events("n0")
        assert ("NodeNotReady", "Node is not ready") in run.events("p")
        ways = {a.verb for a in run.client.actions if a.resource == PODS and a.subresource == "status"}
        assert ways == {"update"}, "roles of before 1.26 allow no patch"


async def test_a_node_that_comes_back_loses_its_taints() -> None:
    objects = [n for i in range(4) for n in (node(f"n{i}"), lease(f"n{i}"))]
    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        await beat(run, 70, "n1", "n2", "n3")
        assert taints(run, "n0") == {"unreachable:NoSchedule", "unreachable:NoExecute"}
        await report(run, "n0", "True")
        await beat(run, 10, "n0", "n1", "n2", "n3")
        assert taints(run, "n0") == set()


async def test_a_node_that_says_it_is_not_ready_is_tainted_so() -> None:
    objects = [n for i in range(4) for n in (node(f"n{i}"), lease(f"n{i}"))]
    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        everybody = ("n0", "n1", "n2", "n3")
        await report(run, "n0", "False")
        await beat(run, 10, *everybody)
        assert taints(run, "n0") == {"not-ready:NoSchedule", "not-ready:NoExecute"}
        await beat(run, 70, "n1", "n2", "n3")
        assert taints(run, "n0") == {"unreachable:NoSchedule", "unreachable:NoExecute"}


async def test_pods_of_a_node_that_says_itself_that_it_is_not_ready_are_left_to_it() -> None:
    """Its kubelet is there, and says of each pod whether it is ready."""
    objects = [*(n for i in range(4) for n in (node(f"n{i}"), lease(f"n{i}"))), ready_pod("p", "10.0.0.1", node="n0")]
    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        everybody = ("n0", "n1", "n2", "n3")
        await beat(run, 10, *everybody)
        await report(run, "n0", "False")
        await beat(run, 10, *everybody)
        assert taints(run, "n0") == {"not-ready:NoSchedule", "not-ready:NoExecute"}
        await beat(run, 70, "n1", "n2", "n3")
        assert taints(run, "n0") == {"unreachable:NoSchedule", "unreachable:NoExecute"}
        assert condition(run.get(PODS, "p"), "Ready")["status"] == "True"  # type: ignore[index]
        assert run.events("p") == []
        assert "NodeNotReady" not in {reason for reason, _ in run.events("n0")}


async def test_a_node_that_is_back_before_its_pods_are_marked_keeps_them_ready() -> None:
    objects = [*(n for i in range(4) for n in (node(f"n{i}"), lease(f"n{i}"))), ready_pod("p", "10.0.0.1", node="n0")]

    def refuse(action: Action) -> None:
        if action.resource == PODS and action.subresource == "status":
            raise InternalError("no")

    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        await beat(run, 10, "n0", "n1", "n2", "n3")
        stop = run.client.on(refuse)
        await beat(run, 70, "n1", "n2", "n3")
        assert taints(run, "n0") == {"unreachable:NoSchedule", "unreachable:NoExecute"}
        await report(run, "n0", "True")
        await run.settle(1)
        stop()
        await beat(run, 40, "n0", "n1", "n2", "n3")
        assert condition(run.get(PODS, "p"), "Ready")["status"] == "True"  # type: ignore[index]


EVERYBODY = ("n0", "n1", "n2", "n3")
Happening = Callable[[], Awaitable[None]]


class Late(FakeClient):
    """What a test wants to happen once, before one of its requests is carried out or before the answer is known."""

    before: dict[tuple[str, Resource], Happening]
    after: dict[tuple[str, Resource], Happening]

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.before, self.after = {}, {}

    async def get(self, resource: Resource, name: str, **how: Any) -> Object:
        await _once(self.before, "get", resource)
        return await super().get(resource, name, **how)

    async def update(self, resource: Resource, obj: Object, **how: Any) -> Object:
        await _once(self.before, "update", resource)
        answer = await super().update(resource, obj, **how)
        await _once(self.after, "update", resource)
        return answer


async def _once(happenings: dict[tuple[str, Resource], Happening], verb: str, resource: Resource) -> None:
    if (happening := happenings.pop((verb, resource), None)) is not None:
        await happening()


async def come_back(run: Harness) -> None:
    """n0 says that it is ready, and everybody hears of it."""
    await report(run, "n0", "True")
    for _ in range(20):
        await asyncio.sleep(0)


@asynccontextmanager
async def four_nodes() -> AsyncIterator[tuple[Harness, Late]]:
    clock = FakeClock()
    client = Late(clock)
    objects = [*(n for name in EVERYBODY for n in (node(name), lease(name))), ready_pod("p", "10.0.0.1", node="n0")]
    async with running(NodeLifecycleController, objects=objects, options=FAST, client=client, clock=clock) as run:
        await beat(run, 10, *EVERYBODY)
        yield run, client


async def test_a_node_that_comes_back_while_its_pods_are_marked_in_vain_looks_after_them_later() -> None:
    async with four_nodes() as (run, client):

        async def fail() -> None:
            await come_back(run)
            raise InternalError("no")

        client.before["update", PODS] = fail
        await beat(run, 70, "n1", "n2", "n3")
        assert not client.before
        await beat(run, 10, *EVERYBODY)
        await report(run, "n0", "False")
        await beat(run, 10, *EVERYBODY)
        assert taints(run, "n0") == {"not-ready:NoSchedule", "not-ready:NoExecute"}
        assert condition(run.get(PODS, "p"), "Ready")["status"] == "True"  # type: ignore[index]


async def test_a_node_that_is_back_before_the_answer_looks_after_its_pods_itself() -> None:
    async with four_nodes() as (run, client):
        said: list[asyncio.Task[None]] = []

        async def be_back() -> None:
            await come_back(run)
            asyncio.get_running_loop().call_soon(lambda: said.append(asyncio.create_task(report(run, "n0", "False"))))

        client.after["update", NODES] = be_back
        await beat(run, 70, "n1", "n2", "n3")
        assert said
        assert condition(run.get(PODS, "p"), "Ready")["status"] == "True"  # type: ignore[index]


async def test_pods_are_marked_again_until_it_works() -> None:
    async with four_nodes() as (run, client):

        async def fail() -> None:
            raise InternalError("no")

        client.before["update", PODS] = fail
        await beat(run, 70, "n1", "n2", "n3")
        assert not client.before
        assert condition(run.get(PODS, "p"), "Ready")["status"] == "False"  # type: ignore[index]


async def test_a_node_that_is_back_when_its_turn_comes_is_not_given_up() -> None:
    async with four_nodes() as (run, client):
        client.before["get", NODES] = lambda: come_back(run)
        await beat(run, 70, *EVERYBODY[1:])
        assert not client.before
        assert "NoExecute" not in str([action.body for action in client.actions if action.verb == "patch"])


async def test_one_node_that_cannot_be_spared_does_not_keep_others_from_it() -> None:
    async with four_nodes() as (run, client):
        await beat(run, 70, "n2", "n3")
        assert "unreachable:NoExecute" in taints(run, "n0") & taints(run, "n1")

        def refuse(action: Action) -> None:
            if action.verb == "get" and action.resource == NODES and action.name == "n0":
                raise InternalError("no")

        client.on(refuse)
        await beat(run, 70)
        assert "unreachable:NoExecute" in taints(run, "n0")
        assert "unreachable:NoExecute" not in taints(run, "n1")


async def test_conditions_and_cordons_become_no_schedule_taints() -> None:
    async with running(NodeLifecycleController, objects=[node("n0"), lease("n0")]) as run:
        for type in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
            await report(run, "n0", "True", type)
        own = [{"key": "mine", "effect": "NoSchedule"}]
        await run.client.patch(NODES, "n0", {"spec": {"unschedulable": True, "taints": own}})
        await run.settle()
        assert taints(run, "n0") == {
            "mine:NoSchedule", "memory-pressure:NoSchedule", "disk-pressure:NoSchedule", "pid-pressure:NoSchedule",
            "network-unavailable:NoSchedule", "unschedulable:NoSchedule",
        }  # fmt: skip
        for type in ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"):
            await report(run, "n0", "False", type)
        await run.client.patch(NODES, "n0", {"spec": {"unschedulable": None}})
        await run.settle()
        assert taints(run, "n0") == {"mine:NoSchedule"}


async def test_when_every_node_is_silent_none_is_given_up() -> None:
    objects = [n for i in range(3) for n in (node(f"n{i}"), lease(f"n{i}"))]
    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        await beat(run, 120)
        for name in ("n0", "n1", "n2"):
            assert taints(run, name) == {"unreachable:NoSchedule"}
        await report(run, "n0", "True")
        await beat(run, 60, "n0")
        await beat(run, 30, "n0")
        assert taints(run, "n0") == set()
        assert "unreachable:NoExecute" in taints(run, "n1")


async def test_nodes_are_given_up_one_by_one_at_the_rate_of_the_zone() -> None:
    objects = [n for i in range(10) for n in (node(f"n{i}"), lease(f"n{i}"))]
    async with running(NodeLifecycleController, objects=objects) as run:
        alive = [f"n{i}" for i in range(4, 10)]
        await beat(run, 60, *alive)

        def given_up() -> int:
            return sum("unreachable:NoExecute" in taints(run, f"n{i}") for i in range(4))

        first = given_up()
        assert first <= 2
        await beat(run, 10, *alive)
        assert given_up() == first + 1
        await beat(run, 40, *alive)
        assert given_up() == 4


async def test_a_small_zone_that_is_mostly_down_gives_up_nothing() -> None:
    objects = [n for i in range(6) for n in (node(f"n{i}", zone="a"), lease(f"n{i}"))]
    objects += [node("other", zone="b"), lease("other")]
    async with running(NodeLifecycleController, objects=objects, options=FAST) as run:
        alive = ("n0", "n1", "other")
        await beat(run, 120, *alive)
        for name in ("n2", "n3", "n4", "n5"):
            assert taints(run, name) == {"unreachable:NoSchedule"}


async def test_a_new_node_has_time_to_report() -> None:
    fresh = node("n0")
    fresh["status"] = {}
    async with running(NodeLifecycleController, objects=[fresh, node("n1"), lease("n1")], options=FAST) as run:
        await beat(run, 55, "n1")
        assert run.get(NODES, "n0")["status"] == {}
        await beat(run, 20, "n1")
        ready = condition(run.get(NODES, "n0"), "Ready")
        assert ready is not None
        assert (ready["status"], ready["message"]) == ("Unknown", "Kubelet never posted node status.")


async def test_old_labels_follow_the_new_ones() -> None:
    made = node("n0")
    made["metadata"]["labels"] = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"}
    async with running(NodeLifecycleController, objects=[made, lease("n0")]) as run:
        await run.settle()
        assert labels_of(run.get(NODES, "n0"))["beta.kubernetes.io/arch"] == "arm64"


async def test_healthy_nodes_cost_nothing() -> None:
    objects = [n for i in range(3) for n in (node(f"n{i}"), lease(f"n{i}"))]
    async with running(NodeLifecycleController, objects=objects) as run:
        await beat(run, 300, "n0", "n1", "n2")
        assert run.writes(NODES) == 0


async def test_nodes_that_come_and_go_are_told_of() -> None:
    async with running(NodeLifecycleController, objects=[node("n1")]) as run:
        await run.settle(6, step=1)
        assert run.events("n1") == [("RegisteredNode", "Node n1 event: Registered Node n1 in Controller")]
        await run.client.delete(NODES, "n1")
        await run.settle(6, step=1)
        assert run.events("n1")[1:] == [("RemovingNode", "Node n1 event: Removing Node n1 from Controller")]


async def test_thousands_at_once_are_not() -> None:
    async with running(NodeLifecycleController, objects=[node(f"n{number}") for number in range(101)]) as run:
        await run.settle(6, step=1)
        assert run.events() == []


async def test_a_large_zone_that_is_mostly_down_gives_up_slowly() -> None:
    slowly = ControllerSettings(
        node_eviction_rate=100.0, secondary_node_eviction_rate=0.05, large_cluster_size_threshold=5
    )
    objects = [n for i in range(8) for n in (node(f"n{i}", zone="a"), lease(f"n{i}"))]
    objects += [node("other", zone="b"), lease("other")]
    async with running(NodeLifecycleController, objects=objects, options=slowly) as run:
        alive = ("n0", "n1", "other")
        await beat(run, 60, *alive)

        def given_up() -> int:
            return sum("unreachable:NoExecute" in taints(run, f"n{i}") for i in range(2, 8))

        first = given_up()
        assert first <= 1
        await beat(run, 60, *alive)
        assert given_up() == first + 3, "one in twenty seconds"
