"""A rolling update as everybody sees it who watches the pods through the API: never too many, never too few."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloudk8s.client.interface import Client, Object
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import DEPLOYMENTS, PODS
from cloudk8s.testing.rollout_bounds import RolloutBounds
from tests.e2e.conftest import Cluster

pytestmark = pytest.mark.kubectl
LABELS = {"app": "web"}


def deployment(replicas: int, surge: int | str, unavailable: int | str) -> Object:
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "main", "image": "fake:1"}]}}
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": pod, "strategy": strategy}
    return {"metadata": {"name": "web"}, "spec": spec}


@asynccontextmanager
async def observed(client: Client, namespace: str, bounds: RolloutBounds) -> AsyncIterator[None]:
    """Feed `bounds` with a watch of the namespace's pods while the block runs."""

    async def watch() -> None:
        async with client.watch(PODS, namespace=namespace, send_initial_events=True) as events:
            async for event in events:
                if event.type != "BOOKMARK":
                    bounds.see(event)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def rolled_out(client: Client, namespace: str, generation: int, replicas: int) -> None:
    """Return once the status says that all replicas are of this generation and available."""
    wanted = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    watch = client.watch(DEPLOYMENTS, namespace=namespace, send_initial_events=True)
    async with asyncio.timeout(60), watch as events:
        async for event in events:
            status = event.object.get("status", {})
            is_seen = status.get("observedGeneration", 0) >= generation
            if event.type != "BOOKMARK" and is_seen and wanted.items() <= status.items():
                return


@pytest.mark.parametrize(
    ("surge", "unavailable", "more", "fewer"),
    [("25%", "25%", 15, 15), (0, 1, 0, 1), (3, 0, 3, 0), ("10%", "0%", 6, 0), ("100%", "100%", 60, 60)],
)
async def test_surge_and_unavailable_hold_at_every_moment(
    control_plane: Cluster, namespace: str, surge: int | str, unavailable: int | str, more: int, fewer: int
) -> None:
    kubeconfig = Path(control_plane.environment["KUBECONFIG"])
    client = NetworkClient(load_connection(kubeconfig, context=f"cloudk8s-{control_plane.name}"))
    replicas, bounds = 60, RolloutBounds(60, more, fewer)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(client.close)
        await stack.enter_async_context(observed(client, namespace, bounds))
        made = await client.create(DEPLOYMENTS, deployment(replicas, surge, unavailable), namespace=namespace)
        await rolled_out(client, namespace, made["metadata"]["generation"], replicas)
        for version in (2, 3):
            container = {"name": "main", "image": f"fake:{version}"}
            change = {"spec": {"template": {"spec": {"containers": [container]}}}}
            changed = await client.patch(DEPLOYMENTS, "web", change, namespace=namespace)
            await rolled_out(client, namespace, changed["metadata"]["generation"], replicas)
    assert bounds.broken == []
    assert bounds.most <= replicas + more
    assert bounds.fewest_ready is not None
    assert bounds.fewest_ready >= replicas - fewer
