"""Controller manager and scheduler by the commands of kubeadm's static pods, as the identities that it gives them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudk8s.apiserver import kubeconfig
from cloudk8s.client.objects import name_of, spec_of
from cloudk8s.client.resources import DEPLOYMENTS, LEASES, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import NotFound
from cloudk8s.settings import ClusterSettings
from tests.cli.test_kubeadm_manifests import CONTROLLER_MANAGER, SCHEDULER

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Machine:
    """A control-plane machine: its API server, and its /etc/kubernetes."""

    running: RunningApiServer
    etc: Path

    def flags(self, manifest: str) -> Sequence[str]:
        return [*manifest.replace("/etc/kubernetes", str(self.etc)).split(), "--secure-port=0"]


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    async with running_api_server(settings) as running:
        etc = tmp_path / "kubernetes"
        shutil.copytree(running.pki.directory, etc / "pki")
        for name in ("controller-manager", "scheduler"):
            pair, admin = running.pki.pair(name), running.access()
            access = kubeconfig.Access(
                admin.name, admin.server, admin.certificate_authority, pair.certificate.read_bytes(),
                pair.key.read_bytes(),
            )  # fmt: skip
            kubeconfig.write(etc / f"{name}.conf", access)
        yield Machine(running, etc)


@asynccontextmanager
async def started(command: str, flags: Sequence[str], log: Path) -> AsyncIterator[None]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "providers", ROOT / "plugins")))
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cloudk8s", command, *flags, env=os.environ | {"PYTHONPATH": path}, stderr=output
        )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def deployment() -> dict[str, object]:
    labels = {"app": "web"}
    spec = {"containers": [{"name": "web", "image": "web:1"}]}
    return {
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }  # fmt: skip


@pytest.mark.slow
async def test_pods_are_made_and_placed_and_nothing_is_refused(machine: Machine, tmp_path: Path) -> None:
    client = machine.running.client("system:test", "system:masters")
    ready = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "4", "pods": "9"}}
    logs = tmp_path / "manager.log", tmp_path / "scheduler.log"
    async with (
        started("controller-manager", machine.flags(CONTROLLER_MANAGER), logs[0]),
        started("scheduler", machine.flags(SCHEDULER), logs[1]),
        asyncio.timeout(60),
    ):
        await client.create(NODES, {"metadata": {"name": "n"}, "status": ready})
        await client.create(DEPLOYMENTS, deployment(), namespace="default")
        while [spec_of(pod).get("nodeName") for pod in (await client.list(PODS)).items] != ["n", "n"]:
            await asyncio.sleep(0.1)
        made = await client.get(NODES, "n")
        assert made["spec"]["podCIDR"] == "10.244.0.0/24"
        token = {"metadata": {"name": "t", "annotations": {"kubernetes.io/service-account.name": "default"}}}
        await client.create(SECRETS, {**token, "type": "kubernetes.io/service-account-token"}, namespace="default")
        while not ((await client.get(SECRETS, "t", namespace="default")).get("data") or {}).get("token"):
            await asyncio.sleep(0.1)
        await client.create(NAMESPACES, {"metadata": {"name": "gone"}})
        await client.delete(NAMESPACES, "gone")
        while True:
            try:
                await client.get(NAMESPACES, "gone")
            except NotFound:
                break
            await asyncio.sleep(0.1)
    accounts = {name_of(each) for each in (await client.list(SERVICE_ACCOUNTS, namespace="kube-system")).items}
    assert {"deployment-controller", "replicaset-controller", "node-controller"} <= accounts
    writer = (await client.list(PODS)).items[0]["metadata"]["managedFields"][0]
    assert writer["manager"] == "kube-controller-manager"
    assert {name_of(lease) for lease in (await client.list(LEASES, namespace="kube-system")).items} >= {
        "kube-controller-manager", "kube-scheduler",
    }  # fmt: skip
    said = "".join(log.read_text() for log in logs)
    assert "orbidden" not in said
    assert " cannot " not in said
    assert "Traceback" not in said
