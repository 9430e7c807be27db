"""How many calls a sync costs a cloud, by number of nodes and Services.

    python -m benchmarks.cloud_calls                      # simulated cloud: 10, 100, 1000, 5000 nodes x 200 Services
    python -m benchmarks.cloud_calls --provider aws --nodes 10 100 --services 20

`first`: from nothing. `restart`: nothing has changed. `node`: one node was replaced. `upstream` is what upstream's
controllers with its AWS provider read at least: they ensure every load balancer after a restart and for each change of
nodes, which takes 11 + ports reads each, and describe instances by batches of at most 500.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.resources import NODES
from cloudk8s.cloud.controllers.assembly import SERVICE
from cloudk8s.cloud.model.instance import NodeRef
from cloudk8s.testing.cloud_harness import CloudHarness, make_node, make_service


@dataclass(frozen=True, slots=True)
class Row:
    """One phase of one size."""

    phase: str
    reads: int
    mutations: int
    seconds: float


def upstream_reads(phase: str, nodes: int, services: int, *, ports: int = 1) -> int:
    """What upstream reads at least, by its code: every ensure, and a batch of instances."""
    ensures = services * (11 + ports)
    return ensures + (1 if phase == "node" else -(-nodes // 500))


async def measure(world: Any, nodes: int, services: int) -> list[Row]:
    """Calls of the node, lifecycle and service controllers in each phase."""
    refs = [world.start_instance(f"n{number}") for number in range(nodes)]
    harness = CloudHarness(clock=world.clock, cluster=world.cluster, configure_cloud_routes=False)
    for ref in refs:
        harness.client.add(_node(ref))
    for number in range(services):
        harness.client.add(make_service(f"web-{number}"))
    rows = [await _phase("first", world, harness)]
    rows.append(await _phase("restart", world, harness))

    fresh = _node(world.start_instance("fresh"))

    async def replace_a_node() -> None:
        await harness.client.delete(NODES, refs[0].name)
        await harness.client.create(NODES, fresh)

    rows.append(await _phase("node", world, harness, replace_a_node))
    return rows


async def _phase(name: str, world: Any, harness: CloudHarness, act: Any = None) -> Row:
    harness.clouds.clear()
    harness.attach("cloud", world.provider, instances=world.instances(), load_balancers=world.load_balancers())
    before, started = (world.reads(), world.mutations()), time.perf_counter()
    async with harness.running():
        await harness.settle(3)
        if act is not None:
            before = (world.reads(), world.mutations())
            await act()
            await harness.settle(30)
        assert SERVICE in harness.controllers
    return Row(name, world.reads() - before[0], world.mutations() - before[1], time.perf_counter() - started)


def _node(ref: NodeRef) -> dict[str, Any]:
    addresses = [(entry.type, entry.address) for entry in ref.addresses]
    return make_node(ref.name, provider_id=ref.provider_id, addresses=addresses)


def _world(provider: str) -> Any:
    if provider == "aws":
        from cloudk8s_aws.testing import AwsWorld

        return AwsWorld()
    if provider == "libcloud":
        from cloudk8s_libcloud.testing import Ec2World

        return Ec2World()
    from cloudk8s_simulated.testing import SimulatedWorld

    return SimulatedWorld()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", choices=["simulated", "aws", "libcloud"], default="simulated")
    parser.add_argument("--nodes", type=int, nargs="+", default=[10, 100, 1000, 5000])
    parser.add_argument("--services", type=int, default=200)
    options = parser.parse_args()
    titles = f"{'nodes':>6} {'services':>8}  {'phase':8} {'reads':>7} {'upstream':>8} {'mutations':>9}"
    print(f"{titles} {'seconds':>8}")
    for nodes in options.nodes:
        with _world(options.provider) as world:
            for row in asyncio.run(measure(world, nodes, options.services)):
                theirs = upstream_reads(row.phase, nodes, options.services)
                line = f"{nodes:6} {options.services:8}  {row.phase:8} {row.reads:7} {theirs:8} {row.mutations:9}"
                print(f"{line} {row.seconds:8.2f}")


if __name__ == "__main__":
    main()
