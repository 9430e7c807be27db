"""What the controller writes, as the API server takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import name_of, status_of, uid_of
from cloudk8s.client.resources import (
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    SERVICE_ACCOUNTS,
    VOLUME_ATTACHMENTS,
)
from cloudk8s.controllers.attach_detach.demand import MANAGED
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings

NS = "work"


async def until(look: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(10):
        while not await look():
            await asyncio.sleep(0.01)


async def make(client: Client) -> None:
    """A node, and a pod on it with a volume of a driver."""
    await client.create(NAMESPACES, {"metadata": {"name": NS}})
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, namespace=NS)
    await client.create(NODES, {"metadata": {"name": "one", "annotations": {MANAGED: "true"}}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeName": "pv"}
    made = await client.create(
        PERSISTENT_VOLUME_CLAIMS,
        {"metadata": {"name": "data"}, "spec": {**claim, "storageClassName": ""}},
        namespace=NS,
    )
    spec = {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": "disk.example.com", "volumeHandle": "vol-1"},
        "claimRef": {"namespace": NS, "name": "data", "uid": uid_of(made)},
    }  # fmt: skip
    await client.create(PERSISTENT_VOLUMES, {"metadata": {"name": "pv"}, "spec": spec})
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    pod = {"nodeName": "one", "containers": [{"name": "c", "image": "i"}], "volumes": volumes}
    await client.create(PODS, {"metadata": {"name": "web"}, "spec": pod}, namespace=NS)


async def test_a_volume_is_attached_and_detached(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    selection = ["persistentvolume-attach-detach-controller"]
    async with (
        running_api_server(settings) as server,
        running_controllers(server, selection, clock=SystemClock()),
    ):
        client = server.client("system:test", "system:masters")

        async def attachments() -> list[Object]:
            return list((await client.list(VOLUME_ATTACHMENTS)).items)

        async def told() -> object:
            return status_of(await client.get(NODES, "one")).get("volumesAttached")

        await make(client)
        await until(attachments)
        (made,) = await attachments()
        patch = {"status": {"attached": True}}
        await client.patch(VOLUME_ATTACHMENTS, name_of(made), patch, subresource="status")
        await until(told)
        assert await told() == [{"name": "kubernetes.io/csi/disk.example.com^vol-1", "devicePath": ""}]
        await client.delete(PODS, "web", namespace=NS, options=DeleteOptions(grace_period_seconds=0))

        async def is_detached() -> bool:
            return not await attachments() and not await told()

        await until(is_detached)
