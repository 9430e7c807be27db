"""Node ranges move from the controller manager to the cloud controller manager, both of them processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.interface import Client
from cloudk8s.client.objects import name_of, spec_of
from cloudk8s.client.resources import LEASES, NODES
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import NotFound
from cloudk8s.settings import ClusterSettings
from tests.controlplane.test_controller_manager import ROOT, TIMINGS

MIGRATION = {
    "apiVersion": "controllermanager.config.k8s.io/v1", "kind": "LeaderMigrationConfiguration", "leaderName": "moving",
    "controllerLeaders": [{"name": "nodeipam", "component": "*"}],
}  # fmt: skip
RANGES = ("--allocate-node-cidrs", "--cluster-cidr", "10.244.0.0/16")


@asynccontextmanager
async def running(directory: Path, command: str, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "providers", ROOT / "plugins")))
    common = ("--kubeconfig", str(directory / "admin.conf"), "--secure-port", "0", "--enable-leader-migration")
    moving = ("--leader-migration-config", str(directory / "migration.json"))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloudk8s", command, *common, *moving, *RANGES, *TIMINGS, *flags,
        env=os.environ | {"PYTHONPATH": path}, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(40):
        while not await holds():
            await asyncio.sleep(0.1)


async def held(client: Client, lease: str) -> str:
    try:
        return str(spec_of(await client.get(LEASES, lease, namespace="kube-system")).get("holderIdentity") or "")
    except NotFound:
        return ""


async def ranges(client: Client) -> dict[str, str]:
    nodes = (await client.list(NODES)).items
    return {name_of(node): str(spec_of(node)["podCIDR"]) for node in nodes if spec_of(node).get("podCIDR")}


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_node_ranges_are_given_by_one_of_two_managers_and_then_by_the_other(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    (tmp_path / "migration.json").write_text(json.dumps(MIGRATION))
    async with running_api_server(settings) as server:
        kubeconfig.write(tmp_path / "admin.conf", server.access())
        client = server.client("system:test", "system:masters")

        async def add(name: str) -> None:
            await client.create(NODES, {"metadata": {"name": name}})
            await until(lambda: given(name))

        async def given(name: str) -> bool:
            return name in await ranges(client)

        async def both_lead() -> bool:
            return bool(
                await held(client, "cloud-controller-manager") and await held(client, "kube-controller-manager")
            )

        async with running(
            tmp_path, "cloud-controller-manager", "--cloud-provider", "simulated", "--no-configure-cloud-routes"
        ):
            async with running(tmp_path, "controller-manager"):
                await until(both_lead)
                first = await held(client, "moving")
                assert first in (
                    await held(client, "cloud-controller-manager"),
                    await held(client, "kube-controller-manager"),
                )
                await add("n1")
            await add("n2")
            assert await held(client, "moving") == await held(client, "cloud-controller-manager") != ""
        assert await held(client, "moving") == ""
        found = await ranges(client)
        assert len(set(found.values())) == len(found) == 2
