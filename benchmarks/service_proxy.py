"""Measure the service proxy in the kernel: a full set of rules, and one change among many Services. Needs root.

    python benchmarks/service_proxy.py [--services 1000] [--endpoints 3] [--changes 100]

Runs in a network namespace of its own. A change is complete when a packet of it would flow.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import statistics
import time

from cloudk8s.network.nftables.command import find_nft
from cloudk8s.network.proxy.model import Backend, Rule, RuleKey, Update
from cloudk8s.network.proxy.nftables.forwarder import NftablesForwarder, NftablesSettings

_CLONE_NEWNET = 0x40000000


def rule(number: int, endpoints: int, port: int = 8080) -> Rule:
    """One Service among many, with a node port."""
    key = RuleKey("shop", f"service-{number}", "http", "TCP", "IPv4")
    backends = tuple(
        Backend(f"10.244.{number // 250 % 250}.{(number + index) % 250 + 1}", port) for index in range(endpoints)
    )
    return Rule(
        key, f"10.{96 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}", 80, node_port=30000 + number % 2768,
        cluster=backends, has_any=True,
    )  # fmt: skip


async def measure(services: int, endpoints: int, changes: int) -> None:
    nft = find_nft()
    assert nft is not None, "nftables is not installed"
    forwarder = NftablesForwarder(nft, NftablesSettings(pod_ranges=("10.244.0.0/16",)))
    await forwarder.start()
    rules = {item.key: item for item in (rule(number, endpoints) for number in range(services))}
    began = time.perf_counter()
    await forwarder.apply(Update(rules, is_complete=True))
    print(f"full:   {(time.perf_counter() - began) * 1e3:8.1f} ms for {services} Services of {endpoints} endpoints")
    took: dict[str, list[float]] = {"change": [], "add": [], "remove": []}
    for number in range(changes):
        changed, added = rule(number % services, endpoints, 9090 + number), rule(services + number, endpoints)
        for name, update in (
            ("change", Update({changed.key: changed})),
            ("add", Update({added.key: added})),
            ("remove", Update(removed=frozenset([added.key]))),
        ):
            began = time.perf_counter()
            await forwarder.apply(update)
            took[name].append((time.perf_counter() - began) * 1e3)
    for name, values in took.items():
        worst = sorted(values)[int(len(values) * 0.99) - 1]
        print(f"{name + ':':8}{statistics.median(values):8.1f} ms p50 {worst:8.1f} ms p99")
    await forwarder.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=3)
    parser.add_argument("--changes", type=int, default=100)
    options = parser.parse_args()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise SystemExit("needs root for a network namespace")
    asyncio.run(measure(options.services, options.endpoints, options.changes))


if __name__ == "__main__":
    main()
