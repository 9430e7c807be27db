"""`metrics.k8s.io` of a cluster: real nodes are asked by their kubelets, simulated ones tell by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from cloudk8s.api.resource_metrics.usage import UsageSource, UsageSources
from cloudk8s.client.informer import Informers
from cloudk8s.controlplane.api_server import RunningApiServer
from cloudk8s.controlplane.background import background
from cloudk8s.machinery.clock import Clock
from cloudk8s.resource_metrics.scraper import KubeletScraper

IDENTITY = "system:serviceaccount:kube-system:metrics-server"


@asynccontextmanager
async def running_resource_metrics(
    server: RunningApiServer, informers: Informers, simulated: Sequence[UsageSource], *, clock: Clock
) -> AsyncIterator[None]:
    """Measure and serve; what simulated nodes use is known to their own sources."""
    scraper = KubeletScraper(server.client(IDENTITY, "system:masters"), informers, clock=clock)
    await server.assembly.serve_resource_metrics(UsageSources((*simulated, scraper)))
    async with background(scraper.run(), names=("resource metrics",)):
        yield
