"""Plans and orphans of load balancers: reading a cluster and its clouds once, from a command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient, NetworkSettings
from cloudk8s.cloud.directory import CloudDirectory
from cloudk8s.cloud.load_balancer_plan import (
    Orphan,
    ServicePlan,
    find_orphans,
    plan_load_balancers,
    remove_orphans,
)
from cloudk8s.cloud.lookup import InstanceLookup
from cloudk8s.errors import CloudError
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.plugin.clouds import CloudsFile, attach_clouds
from cloudk8s.plugin.manager import Plugins


async def plans(
    clouds: CloudsFile, kubeconfig: Path | None, *, namespace: str = "", name: str = "",
    disabled_plugins: Collection[str] = (),
) -> Sequence[ServicePlan]:  # fmt: skip
    """What the service controller would do now. Reads only."""
    async with _connected(kubeconfig) as client:
        directory, settings = _directory(clouds, disabled_plugins), clouds.controllers
        lookup = InstanceLookup(directory, clock=SystemClock(), window=settings.lookup_window)
        return await plan_load_balancers(
            client, directory, lookup, cluster=settings.cluster, namespace=namespace, name=name
        )


async def collect(
    clouds: CloudsFile, kubeconfig: Path | None, *, apply: bool, disabled_plugins: Collection[str] = ()
) -> tuple[Sequence[Orphan], Mapping[str, CloudError]]:
    """What no Service owns; deleted if `apply`. Errors by Service UID."""
    async with _connected(kubeconfig) as client:
        directory = _directory(clouds, disabled_plugins)
        orphans = await find_orphans(client, directory)
        return orphans, await remove_orphans(directory, orphans) if apply else {}


def _directory(clouds: CloudsFile, disabled_plugins: Collection[str]) -> CloudDirectory:
    plugins = Plugins.load(disabled=disabled_plugins)
    attached = attach_clouds(plugins, clouds.clouds, clouds.controllers, clock=SystemClock())
    return CloudDirectory(attached, default=clouds.controllers.default_cloud)


@asynccontextmanager
async def _connected(kubeconfig: Path | None) -> AsyncIterator[NetworkClient]:
    settings = NetworkSettings(user_agent="cloudk8s")
    client = NetworkClient(load_connection(kubeconfig), settings=settings, clock=SystemClock())
    try:
        yield client
    finally:
        await client.close()
