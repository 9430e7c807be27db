"""How long many Services wait for their load balancers when every call to the cloud takes a while.

    python -m benchmarks.cloud_latency                      # 200 Services, 200 ms for each call
    python -m benchmarks.cloud_latency --services 500 --latency 0.1

Threads, time and the service controller are real, the cloud is the simulated one. `addresses`: until every Service
shows where it is reached. `gone`: until nothing is left of them in the cloud.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.resources import SERVICES
from cloudk8s.cloud.controllers.assembly import SERVICE, attach, registrations
from cloudk8s.cloud.settings import CloudControllerSettings
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.cloud_harness import make_node, make_service
from cloudk8s.testing.fake_client import FakeClient
from cloudk8s_simulated.cloud import assembly
from cloudk8s_simulated.cloud.account import Account
from cloudk8s_simulated.settings import SimulatedSettings


@dataclass(frozen=True)
class Waits:
    """Seconds, and how many calls were made in them."""

    addresses: float
    gone: float
    calls: int


async def measure(services: int, latency: float, *, nodes: int = 20) -> Waits:
    """Make Services, wait for their addresses, delete them, wait until the account is empty."""
    from cloudk8s.plugin import Cloud
    from cloudk8s.testing.faults import Faults

    clock, faults = SystemClock(), Faults(latency=latency, pause=time.sleep)
    account = Account(now=time.monotonic, faults=faults)
    cloud = Cloud("sim", "simulated", SimulatedSettings().use(account), "bench", clock)
    settings = CloudControllerSettings(cluster="bench", cluster_cidrs=("10.244.0.0/16",))
    attached = attach("sim", "simulated", clock=clock, settings=settings, load_balancers=assembly.load_balancers(cloud))
    client = FakeClient(clock=clock)
    for number in range(nodes):
        client.add(make_node(f"n{number}", provider_id=f"simulated:///sim-1a/{number}"))
    async with Informers(client, clock=clock) as informers:
        events = EventRecorder(client, "bench", clock=clock)
        context = ControllerContext(client, informers, events, clock, ClusterSettings(data_dir=Path()))
        factory = {entry.name: entry.factory for entry in registrations([attached], settings, clock=clock)}[SERVICE]
        controller = factory(context)
        await informers.synced()
        task = asyncio.create_task(controller.run())
        started = time.perf_counter()
        for number in range(services):
            client.add(make_service(f"web-{number}"))
        await until(lambda: all(_has_address(service) for service in client.all(SERVICES)))
        addresses = time.perf_counter() - started
        calls, started = len(faults.calls), time.perf_counter()
        for number in range(services):
            await client.delete(SERVICES, f"web-{number}", namespace="default")
        await until(lambda: not client.all(SERVICES))
        gone = time.perf_counter() - started
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not account.everything()
    attached.calls.close()
    return Waits(addresses, gone, calls)


async def until(done: Callable[[], bool]) -> None:
    """Look now and then, so that looking costs nothing."""
    while not done():  # noqa: ASYNC110 (what is waited for has no event)
        await asyncio.sleep(0.05)


def _has_address(service: Any) -> bool:
    return bool(service["status"]["loadBalancer"].get("ingress"))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds")
    options = parser.parse_args()
    waits = asyncio.run(measure(options.services, options.latency))
    print(f"{'services':>8} {'latency':>8} {'calls':>7} {'addresses':>10} {'gone':>7}")
    print(f"{options.services:8} {options.latency:7.2f}s {waits.calls:7} {waits.addresses:9.1f}s {waits.gone:6.1f}s")


if __name__ == "__main__":
    main()
