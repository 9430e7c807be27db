"""The controllers in processes of their own, as clients over the network."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import name_of, spec_of
from cloudk8s.client.resources import CONFIG_MAPS, CORE_EVENTS, DEPLOYMENTS, LEASES, NAMESPACES, PODS, SERVICE_ACCOUNTS
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import Conflict, NotFound
from cloudk8s.settings import ClusterSettings

ROOT = Path(__file__).parents[2]
TIMINGS = (
    "--leader-elect-lease-duration=6s",
    "--leader-elect-renew-deadline=4s",
    "--leader-elect-retry-period=500ms",
)


@dataclass(frozen=True)
class Server:
    client: Client
    kubeconfig: Path


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    async with running_api_server(settings) as running:
        path = tmp_path / "admin.conf"
        kubeconfig.write(path, running.access())
        yield Server(running.client("system:test", "system:masters"), path)


@asynccontextmanager
async def manager(server: Server, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "providers", ROOT / "plugins")))
    command = [
        sys.executable,
        "-m",
        "cloudk8s",
        "controller-manager",
        "--kubeconfig",
        str(server.kubeconfig),
        "--secure-port",
        "0",
        *flags,
    ]
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"PYTHONPATH": path}, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def holder(client: Client) -> str:
    try:
        lease = await client.get(LEASES, "kube-controller-manager", namespace="kube-system")
    except NotFound:
        return ""
    return str(spec_of(lease).get("holderIdentity") or "")


async def until_holder_changes(client: Client, old: str) -> str:
    async with asyncio.timeout(30):
        while (new := await holder(client)) in ("", old):
            await asyncio.sleep(0.05)
    return new


async def until_pods(client: Client, count: int) -> list[Object]:
    async with asyncio.timeout(30):
        while len(items := (await client.list(PODS, namespace="default")).items) != count:
            await asyncio.sleep(0.05)
    return list(items)


def deployment(name: str, replicas: int) -> Object:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


async def test_a_second_manager_takes_over_within_the_lease_and_nothing_is_done_twice(server: Server) -> None:
    client = server.client
    async with manager(server, *TIMINGS) as first:
        leader = await until_holder_changes(client, "")
        async with manager(server, *TIMINGS):
            await client.create(DEPLOYMENTS, deployment("one", 3), namespace="default")
            await until_pods(client, 3)
            first.kill()
            started = time.monotonic()
            assert await until_holder_changes(client, leader) != leader
            assert time.monotonic() - started < 9
            await client.create(DEPLOYMENTS, deployment("two", 2), namespace="default")
            pods = await until_pods(client, 5)
            events = (await client.list(CORE_EVENTS, namespace="kube-system")).items
            told = [event["message"] for event in events if event["reason"] == "LeaderElection"]
            assert told[0] == f"{leader} became leader"
            assert len(told) == 2
            assert len({name_of(pod) for pod in pods}) == 5


async def test_only_the_selected_controllers_run_and_the_lease_is_given_back(server: Server) -> None:
    client = server.client
    async with manager(server, "--controllers", "serviceaccount,root-ca-cert-publisher", *TIMINGS) as process:
        await client.create(NAMESPACES, {"metadata": {"name": "work"}})
        await client.create(DEPLOYMENTS, deployment("one", 1), namespace="work")
        async with asyncio.timeout(30):
            while not (await client.list(CONFIG_MAPS, namespace="work")).items:
                await asyncio.sleep(0.05)
        assert [name_of(a) for a in (await client.list(SERVICE_ACCOUNTS, namespace="work")).items] == ["default"]
        assert (await client.list(PODS, namespace="work")).items == []
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert await holder(client) == ""


@pytest.mark.slow
async def test_what_moves_to_another_manager_runs_under_a_second_lease(server: Server, tmp_path: Path) -> None:
    client, file = server.client, tmp_path / "migration.json"
    words = {"apiVersion": "controllermanager.config.k8s.io/v1", "kind": "LeaderMigrationConfiguration"}
    leaders = [{"name": "serviceaccount", "component": "*"}, {"name": "namespace", "component": "another-manager"}]
    file.write_text(json.dumps({**words, "leaderName": "moving", "controllerLeaders": leaders}))
    flags = ("--enable-leader-migration", "--leader-migration-config", str(file), *TIMINGS)
    async with manager(server, *flags) as process:
        leader = await until_holder_changes(client, "")
        await client.create(NAMESPACES, {"metadata": {"name": "work"}})
        async with asyncio.timeout(30):
            while not (await client.list(SERVICE_ACCOUNTS, namespace="work")).items:
                await asyncio.sleep(0.05)
        second = await client.get(LEASES, "moving", namespace="kube-system")
        assert spec_of(second)["holderIdentity"] == leader
        stolen = {**second, "spec": {**spec_of(second), "holderIdentity": "other", "leaseDurationSeconds": 60}}
        async with asyncio.timeout(30):
            while spec_of(second)["holderIdentity"] != "other":
                with suppress(Conflict):
                    second = await client.update(LEASES, stolen)
                    continue
                now = (await client.get(LEASES, "moving", namespace="kube-system"))["metadata"]
                stolen["metadata"] = now
        assert await asyncio.wait_for(process.wait(), 20) == 1


async def test_each_controller_may_work_as_an_account_of_its_own(server: Server) -> None:
    """With the flags as kubeadm writes them."""
    client = server.client
    flags = ("--use-service-account-credentials=true", "--leader-elect=false", "--controllers=*,bootstrapsigner")
    async with manager(server, *flags):
        await client.create(DEPLOYMENTS, deployment("one", 2), namespace="default")
        pods = await until_pods(client, 2)
        accounts = {name_of(each) for each in (await client.list(SERVICE_ACCOUNTS, namespace="kube-system")).items}
        assert {"deployment-controller", "replicaset-controller"} <= accounts
        (writer, *_) = pods[0]["metadata"]["managedFields"]
        assert writer["manager"] == "kube-controller-manager"


async def test_an_unknown_controller_is_the_users_mistake(server: Server) -> None:
    async with manager(server, "--controllers", "cronjobs") as process:
        _, stderr = await process.communicate()
        assert process.returncode == 2
        assert "there is no controller" in stderr.decode()
