"""How many API calls the life of a cluster takes on AWS, and how long on an emulated account.

    python -m benchmarks.cluster_calls                    # three zones, three control-plane machines, 3 and 99 workers
    python -m benchmarks.cluster_calls --workers 3 99 1000

`budget` is what a straightforward program that knows every id by heart needs for three workers: 63 calls to create and
43 to delete. Here reads count too: finding out what is there, polls, and the look afterwards that nothing is left.
1,000 workers are allowed 40 more.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.declaration.reading import declare
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.teardown import tear_down
from cloudk8s_aws.testing import AwsWorld

CREATE, DELETE, MORE = 63, 43, 40


@dataclass(frozen=True, slots=True)
class Row:
    """One stage of one size."""

    stage: str
    calls: int
    mutations: int
    budget: str
    seconds: float


def highly_available(workers: int) -> ClusterDeclaration:
    """Three zones, a NAT gateway in each, three machines of the control plane."""
    return declare(
        {
            "name": "demo", "provider": "aws", "controlPlane": {"replicas": 3}, "network": {"nat": "per-zone"},
            "pools": [{"replicas": workers}],
        },
        "benchmark",
    )  # fmt: skip


def measure(world: AwsWorld, workers: int) -> list[Row]:
    """Create, apply again, delete."""
    wanted = highly_available(workers)
    most = CREATE + (MORE if workers >= 1000 else 0)
    return [
        _stage(world, "create", f"{most} calls", lambda: converge(_site(world), wanted)),
        _stage(world, "apply again", "0 changes", lambda: converge(_site(world), wanted)),
        _stage(world, "delete", f"{DELETE} calls", lambda: tear_down(_site(world))),
    ]


def _site(world: AwsWorld) -> Site:
    aws = replace(world.aws(), cluster="demo")
    networks = aws.networks()
    engine = Engine(networks.resource_types(), retries=Retries(timer=world.timer), concurrency=1)
    return Site("aws", "demo", {}, aws.machines(), networks, engine, aws.load_balancers())


def _stage(world: AwsWorld, name: str, budget: str, work: Callable[[], object]) -> Row:
    world.faults.forget()
    begin = time.perf_counter()
    work()
    return Row(name, len(world.faults.calls), len(world.faults.mutations), budget, time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[3, 99])
    workers: list[int] = parser.parse_args().workers
    print(f"{'workers':>8}  {'stage':<12} {'calls':>6} {'changes':>8}  {'budget':<11} {'seconds':>8}")
    with tempfile.TemporaryDirectory() as home, AwsWorld() as world:
        os.environ["XDG_DATA_HOME"] = home
        for number in workers:
            for row in measure(world.reset(), number):
                counts = f"{row.calls:>6} {row.mutations:>8}  {row.budget:<11} {row.seconds:>8.2f}"
                print(f"{number:>8}  {row.stage:<12} {counts}", flush=True)


if __name__ == "__main__":
    main()
