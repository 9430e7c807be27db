from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import NODES, PODS, SERVICE_ACCOUNTS
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.simulated import (
    Simulation,
    load_scenario,
    run_simulated_nodes,
    simulated_cloud_settings,
    simulated_names,
)
from cloudk8s.errors import UserError
from cloudk8s.settings import ClusterSettings
from cloudk8s_simulated.settings import SimulatedSettings


def test_a_scenario_makes_the_simulated_cloud_slow_and_faulty(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "apiVersion: simulated.cloudk8s.io/v1alpha1\nkind: Simulation\nspec:\n"
        "  cloud: {latency: 0.5, throttled: 0.2, lost: 0.1, lag: 3, readyAfter: {balancer: 4}, limits: {balancer: 2}}\n"
    )
    settings = SimulatedSettings(**simulated_cloud_settings(Simulation(3, str(path), seed=7)))
    assert (settings.latency, settings.throttled, settings.lost, settings.lag) == (0.5, 0.2, 0.1, 3.0)
    assert (settings.ready_after, settings.limits, settings.seed) == ({"balancer": 4.0}, {"balancer": 2}, 7)


def test_the_seed_of_the_file_counts_before_that_of_the_command() -> None:
    assert simulated_cloud_settings(Simulation(3, "chaos", seed=7))["seed"] == 1


def test_without_a_file_nothing_is_told() -> None:
    assert load_scenario("").stages == ()
    assert simulated_names(11)[-1] == "sim-10"


def test_a_file_that_is_not_there_is_the_users_mistake() -> None:
    with pytest.raises(UserError, match="cannot read the stages"):
        load_scenario("/nowhere/stages.yaml")


async def test_nodes_register_with_whatever_cluster_a_kubeconfig_names(tmp_path: Path) -> None:
    async with running_api_server(ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")) as server:
        client, config = server.client("system:test", "system:masters"), tmp_path / "admin.conf"
        kubeconfig.write(config, server.access())
        running = asyncio.create_task(run_simulated_nodes(config, Simulation(2), have_cloud=True, report=print))
        try:
            async with asyncio.timeout(20):
                while len(nodes := (await client.list(NODES)).items) < 2 or not all(map(is_ready, nodes)):
                    await asyncio.sleep(0.05)
                assert [each["spec"]["taints"][0]["key"] for each in nodes] == [UNINITIALIZED] * 2
                await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace="default")
                spec = {"nodeName": "sim-0", "containers": [{"name": "c", "image": "i"}]}
                pod = {"metadata": {"name": "a"}, "spec": spec | {"automountServiceAccountToken": False}}
                await client.create(PODS, pod, namespace="default")
                while (await client.get(PODS, "a", namespace="default"))["status"]["phase"] != "Running":
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"


def is_ready(node: dict[str, object]) -> bool:
    found = condition(node, "Ready")
    return found is not None and found["status"] == "True"
