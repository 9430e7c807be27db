"""Nodes and pods of a fleet on a clock of the test's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.machinery.times import format_micro_time
from tests.providers.simulated.fleet_harness import FleetHarness, running_fleet

SIMULATION = "apiVersion: simulated.cloudk8s.io/v1alpha1\nkind: Simulation\nspec:\n"
DOWN = "simulated.cloudk8s.io/down"


async def test_nodes_register_and_keep_their_leases() -> None:
    async with running_fleet(SIMULATION + "  nodes: {capacity: {cpu: '4', example.com/gpu: '1'}, zones: 1}") as fleet:
        node = fleet.node("sim-1")
        assert node["status"]["capacity"] == {"cpu": "4", "memory": "256Gi", "pods": "110", "example.com/gpu": "1"}
        assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == "simulated-a"
        before = fleet.renewed()
        await fleet.after(25)
        assert fleet.renewed() > before


async def test_leases_are_kept_on_a_server_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_fleet(count=60) as fleet:
        patch = fleet.client.patch

        async def slow_patch(*arguments: Any, **options: Any) -> Object:
            await fleet.clock.sleep(2)
            return await patch(*arguments, **options)

        monkeypatch.setattr(fleet.client, "patch", slow_patch)
        await fleet.after(60)
        oldest = min(fleet.renewed(f"sim-{number:02}") for number in range(60))
        assert oldest >= format_micro_time(fleet.clock.now() - timedelta(seconds=25))


async def test_groups_of_nodes_have_capacity_labels_and_taints_of_their_own() -> None:
    text = SIMULATION + (
        "  nodes:\n    capacity: {cpu: '8'}\n    groups:\n"
        "    - {count: 1, capacity: {example.com/gpu: '4'}, labels: {pool: gpu},"
        " taints: [{key: gpu, value: 'yes', effect: NoSchedule}]}\n"
    )
    async with running_fleet(text, count=3) as fleet:
        gpu, plain = fleet.node("sim-0"), fleet.node("sim-1")
        assert gpu["status"]["capacity"] == {"cpu": "8", "memory": "256Gi", "pods": "110", "example.com/gpu": "4"}
        assert gpu["metadata"]["labels"]["pool"] == "gpu"
        assert gpu["spec"]["taints"] == [{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]
        assert plain["status"]["allocatable"] == {"cpu": "8", "memory": "256Gi", "pods": "110"}
        assert "taints" not in plain["spec"]


async def test_pods_run_with_an_address_and_go_when_deleted() -> None:
    async with running_fleet() as fleet:
        await fleet.pod()
        await fleet.pod("other", node="elsewhere")
        await fleet.after(0.1)
        pod = fleet.pod_now()
        assert pod is not None
        assert (pod["status"]["phase"], pod["status"]["podIP"]) == ("Running", "10.128.0.1")
        assert fleet.phase("other") == "Pending"
        await fleet.client.delete(PODS, "web", namespace="d")
        await fleet.after(0.1)
        assert fleet.pod_now() is None


async def test_pods_start_when_they_say() -> None:
    async with running_fleet() as fleet:
        await fleet.pod(annotations={"simulated.cloudk8s.io/start-seconds": "5"})
        await fleet.after(4.5)
        assert fleet.phase() == "Pending"
        await fleet.after(1)
        assert fleet.phase() == "Running"


async def test_starts_are_spread_by_jitter_the_same_way_for_the_same_seed() -> None:
    async def running_after_a_second(seed: int) -> list[str]:
        async with running_fleet(SIMULATION + "  pods: {startDelay: 0.5, startJitter: 1}", seed=seed) as fleet:
            names = [f"p{number}" for number in range(20)]
            for name in names:
                await fleet.pod(name)
            await fleet.after(1)
            return [name for name in names if fleet.phase(name) == "Running"]

    first = await running_after_a_second(1)
    assert 3 < len(first) < 17
    assert await running_after_a_second(1) == first != await running_after_a_second(2)


async def test_containers_that_exit_are_restarted_with_a_kubelets_backoff() -> None:
    annotations = {"simulated.cloudk8s.io/run-seconds": "2", "simulated.cloudk8s.io/exit-code": "3"}
    async with running_fleet() as fleet:
        await fleet.pod(annotations=annotations)
        await fleet.after(2.5)
        assert (fleet.container()["restartCount"], fleet.container()["ready"]) == (1, True)
        assert fleet.container()["lastState"]["terminated"]["exitCode"] == 3
        await fleet.after(2)
        waiting = fleet.container()["state"]["waiting"]
        assert waiting["reason"] == "CrashLoopBackOff"
        assert waiting["message"].startswith("back-off 10s restarting failed container=main pod=web_d(")
        assert fleet.phase() == "Running"
        pod = fleet.pod_now()
        assert pod is not None
        assert (condition(pod, "Ready") or {}).get("reason") == "ContainersNotReady"
        await fleet.after(10)
        assert (fleet.container()["restartCount"], "running" in fleet.container()["state"]) == (2, True)
        await fleet.after(2)
        assert fleet.container()["state"]["waiting"]["message"].startswith("back-off 20s ")
        assert fleet.events()[0][0] == "BackOff"


async def test_the_restart_policy_decides_what_an_exit_means() -> None:
    async with running_fleet() as fleet:
        for name, policy, code in (
            ("never", "Never", 1), ("done", "Never", 0), ("failing", "OnFailure", 1), ("good", "OnFailure", 0),
        ):  # fmt: skip
            annotations = {"simulated.cloudk8s.io/run-seconds": "1", "simulated.cloudk8s.io/exit-code": str(code)}
            await fleet.pod(name, annotations=annotations, restartPolicy=policy)
        await fleet.after(1.5)
        assert [fleet.phase(name) for name in ("never", "done", "failing", "good")] == [
            "Failed", "Succeeded", "Running", "Succeeded",
        ]  # fmt: skip
        assert fleet.container("failing")["restartCount"] == 1
        assert fleet.container("never")["state"]["terminated"]["exitCode"] == 1


async def test_a_share_of_containers_fails_by_itself() -> None:
    async with running_fleet(SIMULATION + "  pods: {failureShare: 0.5, failureAfter: 5}") as fleet:
        names = [f"p{number}" for number in range(30)]
        for name in names:
            await fleet.pod(name, restartPolicy="Never")
        await fleet.after(15)
        phases = [fleet.phase(name) for name in names]
        assert 8 <= phases.count("Failed") <= 22
        assert phases.count("Running") == 30 - phases.count("Failed")


async def mark(fleet: FleetHarness, value: str | None) -> None:
    await fleet.client.patch(NODES, "sim-0", {"metadata": {"annotations": {DOWN: value}}})


async def test_a_node_that_is_down_says_and_does_nothing_until_it_is_up_again() -> None:
    async with running_fleet() as fleet:
        await mark(fleet, "true")
        await fleet.pod()
        await fleet.pod("alive", node="sim-1")
        await fleet.after(1)
        before = fleet.renewed()
        await fleet.after(60)
        assert (fleet.phase(), fleet.phase("alive")) == ("Pending", "Running")
        assert fleet.renewed() == before
        assert fleet.renewed("sim-1") > before
        await mark(fleet, None)
        await fleet.after(1)
        assert fleet.phase() == "Running"
        assert fleet.renewed() > before


async def test_a_node_that_was_given_up_reports_itself_when_it_is_back() -> None:
    async with running_fleet() as fleet:
        await mark(fleet, "true")
        unknown = [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]
        await fleet.client.patch(NODES, "sim-0", {"status": {"conditions": unknown}}, subresource="status")
        await fleet.after(5)
        assert (condition(fleet.node(), "Ready") or {})["status"] == "Unknown"
        await mark(fleet, "false")
        await fleet.after(1)
        assert (condition(fleet.node(), "Ready") or {})["status"] == "True"


async def test_nodes_die_and_come_back_by_themselves() -> None:
    text = SIMULATION + "  seed: 5\n  nodes: {meanTimeBetweenFailures: 120, meanTimeToRepair: 60}"
    async with running_fleet(text, count=20) as fleet:
        outages = fleet.fleet.outages
        seen = []
        for _ in range(20):
            await fleet.after(30)
            seen.append(sum(outages.is_up(name) for name in fleet.fleet.names))
        assert min(seen) < 20
        assert 8 < sum(seen[5:]) / len(seen[5:]) < 19


async def test_the_same_seed_tells_the_same_story() -> None:
    """Every change of every pod and node, with its time, over two minutes in which everything goes wrong."""
    chaos = SIMULATION + (
        "  pods: {startDelay: 0.1, startJitter: 2, failureShare: 0.3, failureAfter: 8}\n"
        "  nodes: {meanTimeBetweenFailures: 40, meanTimeToRepair: 20}\n"
    )

    async def story(seed: int) -> list[object]:
        async with running_fleet(chaos, count=4, seed=seed) as fleet:
            for number in range(12):
                await fleet.pod(f"p{number}", node=f"sim-{number % 4}")
            told: list[object] = []
            for _ in range(240):
                await fleet.after(0.5)
                pods = [(fleet.phase(f"p{number}"), restarts(fleet, f"p{number}")) for number in range(12)]
                told.append((pods, [fleet.fleet.outages.is_up(name) for name in fleet.fleet.names]))
            return told

    first = await story(1)
    assert first == await story(1)
    assert first != await story(2)


def restarts(fleet: FleetHarness, name: str) -> int:
    pod = fleet.pod_now(name)
    statuses = (pod or {}).get("status", {}).get("containerStatuses") or [{"restartCount": -1}]
    return int(statuses[0]["restartCount"])
