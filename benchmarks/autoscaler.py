"""Decide machines for pending pods: `python -m benchmarks.autoscaler [--pods 10000] [--types 400] [--nodes 1000]`.

The mix of pods is that of Karpenter's benchmark: a seventh each spread over zones, spread over hosts, together in a
zone and alone on a host, the rest plain, with requests of many sizes. Then every node is looked at for consolidation.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

from cloudk8s.provisioning.autoscaler.consolidation import removable
from cloudk8s.provisioning.autoscaler.offer import Offer, StandingNode
from cloudk8s.provisioning.autoscaler.packing import decide

GIB = 1 << 30
ZONES = "abc"
ZONE, HOSTNAME = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def offers(types: int) -> list[Offer]:
    """Types of growing size and three shapes, in every zone, at prices that grow a little slower."""
    found = []
    for number in range(types):
        cpus = 2 * (1 + number % 48)
        memory = cpus * (2, 4, 8)[number % 3] * GIB
        price = 0.02 * cpus**0.98 + 0.003 * memory / GIB
        for zone in ZONES:
            amounts = {"cpu": cpus * 1000 - 100, "memory": memory - GIB // 2, "pods": 110}
            found.append(Offer(f"pool-{number % 3}", f"type-{number}", zone, amounts, price, {ZONE: zone}))
    return found


def pod(number: int, rng: random.Random) -> Any:
    kind = ("plain", "zones", "hosts", "together", "alone")[min(number % 7, 4)] if number % 7 < 5 else "plain"
    app = f"{kind}-{rng.randrange(30)}"
    selector = {"matchLabels": {"app": app}}
    requests = {
        "cpu": rng.choice(["100m", "250m", "500m", "1", "1500m"]),
        "memory": rng.choice(["100Mi", "256Mi", "1Gi", "2Gi"]),
    }
    spec: dict[str, Any] = {"containers": [{"name": "m", "image": "i", "resources": {"requests": requests}}]}
    if kind in ("zones", "hosts"):
        key = ZONE if kind == "zones" else HOSTNAME
        spec["topologySpreadConstraints"] = [
            {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
        ]
    if kind in ("together", "alone"):
        term = [{"labelSelector": selector, "topologyKey": ZONE if kind == "together" else HOSTNAME}]
        name = "podAffinity" if kind == "together" else "podAntiAffinity"
        spec["affinity"] = {name: {"requiredDuringSchedulingIgnoredDuringExecution": term}}
    owner = [{"kind": "ReplicaSet", "name": app, "uid": app, "controller": True}]
    return {
        "metadata": {"name": f"p-{number}", "namespace": "d", "labels": {"app": app}, "ownerReferences": owner},
        "spec": spec,
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--types", type=int, default=400)
    parser.add_argument("--nodes", type=int, default=1000)
    chosen = parser.parse_args(arguments)
    rng = random.Random(1)
    pending, kinds = [pod(number, rng) for number in range(chosen.pods)], offers(chosen.types)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        decision = decide(pending, [], kinds)
        took.append(time.perf_counter() - began)
    cost = sum(machine.offer.price_per_hour for machine in decision.machines)
    refused = sum(len(each.pods) for each in decision.refused)
    print(f"{chosen.pods:,} pods × {chosen.types} types   {statistics.median(took):6.2f} s   (aim 1 s)")
    bound = least(pending, kinds)
    print(
        f"{len(decision.machines):,} machines, ${cost:,.2f} an hour (no packing beats ${bound:,.2f}), {refused} refused"
    )
    nodes = [
        StandingNode(f"n{number}", {"cpu": 8000, "memory": 32 * GIB, "pods": 110}, {ZONE: ZONES[number % 3]},
                     pods=tuple(plain(number, index, rng) for index in range(rng.randrange(9))), pool="p", cost=0.3)
        for number in range(chosen.nodes)
    ]  # fmt: skip
    began = time.perf_counter()
    removals, _ = removable(nodes, {"p": chosen.nodes})
    passed = time.perf_counter() - began
    print(f"consolidation of {chosen.nodes:,} nodes   {passed:6.2f} s   {len(removals)} can go   (aim 1 s)")
    return 0


def plain(node: int, index: int, rng: random.Random) -> Any:
    return pod(0, rng) | {"metadata": {**pod(0, rng)["metadata"], "name": f"r-{node}-{index}"}}


def least(pods: Sequence[Any], kinds: Sequence[Offer]) -> float:
    """A bound that no packing can beat: every CPU at the lowest price that a CPU has."""
    cheapest = min(offer.price_per_hour / offer.allocatable["cpu"] for offer in kinds)
    amounts = {"100m": 100, "250m": 250, "500m": 500, "1": 1000, "1500m": 1500}
    return cheapest * sum(amounts[one["spec"]["containers"][0]["resources"]["requests"]["cpu"]] for one in pods)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
