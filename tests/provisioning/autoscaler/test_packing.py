"""Which machines pending pods get."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.provisioning.autoscaler.decision import Decision
from cloudk8s.provisioning.autoscaler.packing import decide
from tests.provisioning.autoscaler.objects import GIB, HOSTNAME, ZONE, anti, near, node, offer, pod, pods, spread

SIZES = [offer("small", 2, 8, 0.1), offer("medium", 4, 16, 0.2), offer("large", 16, 64, 0.7)]


def types(decision: Decision) -> dict[str, int]:
    return dict(Counter(machine.offer.type for machine in decision.machines))


def zones(decision: Decision) -> dict[str, int]:
    found = Counter[str]()
    for machine in decision.machines:
        found[machine.offer.zone] += len(machine.pods)
    return dict(found)


def test_nothing_is_made_for_pods_that_fit_already() -> None:
    decision = decide(pods(3), [node("n", pod("old"))], SIZES)
    assert (decision.machines, decision.refused) == ((), ())
    assert {name for _, name in decision.fitting} == {"n"}


def test_only_what_does_not_fit_gets_machines_and_the_cheapest_that_holds_it() -> None:
    decision = decide(pods(5), [node("n")], SIZES)
    assert len(decision.fitting) == 4
    assert types(decision) == {"small": 1}


def test_large_demand_takes_the_machine_with_the_lowest_price_per_pod() -> None:
    assert types(decide(pods(32), [], SIZES)) == {"large": 2}


def test_leftovers_share_machines_with_other_pods() -> None:
    mixed = [*pods(3, "big", cpu="3"), *pods(3, "little", cpu="500m", memory="256Mi", app="other")]
    decision = decide(mixed, [], [offer("medium", 4, 16)])
    assert len(decision.machines) == 3


def test_selectors_and_taints_choose_the_pool() -> None:
    gpu = offer("gpu", labels={"accelerator": "yes"}, taints=("gpu",), price=2.0)
    tolerations = [{"key": "gpu", "operator": "Exists"}]
    wanted = pods(1, nodeSelector={"accelerator": "yes"}, tolerations=tolerations)
    assert types(decide(wanted, [], [*SIZES, gpu])) == {"gpu": 1}
    refused = decide(pods(1, nodeSelector={"accelerator": "yes"}), [], [*SIZES, gpu]).refused
    assert refused[0].reason == (
        "0/4 kinds of machines help: 3 didn't match Pod's node affinity/selector, 1 had untolerated taint(s)"
    )


def test_pods_that_no_machine_holds_are_refused_with_the_resource() -> None:
    decision = decide(pods(2, cpu="20"), [], SIZES)
    assert decision.refused[0].pods == ("d/p-0", "d/p-1")
    assert decision.refused[0].reason == "0/3 kinds of machines help: 3 too small (cpu)"


def test_pools_stop_at_their_maximum() -> None:
    decision = decide(pods(12), [], [offer("medium", 4, 16, room=2)])
    assert len(decision.machines) == 2
    assert len(decision.refused[0].pods) == 4
    assert decision.refused[0].reason == "0/1 kinds of machines help: 1 in pools at their maximum (medium)"


def test_pods_that_avoid_each_other_get_a_host_each() -> None:
    decision = decide(pods(3, affinity=anti(HOSTNAME)), [node("n", pod("old", affinity=anti(HOSTNAME)))], SIZES)
    assert [len(machine.pods) for machine in decision.machines] == [1, 1, 1]
    assert types(decision) == {"small": 3}


def test_pods_that_avoid_others_are_kept_apart_both_ways() -> None:
    shy = pods(1, "shy", app="shy", affinity=anti(HOSTNAME, "web"))
    decision = decide([*shy, *pods(1)], [], SIZES)
    assert [len(machine.pods) for machine in decision.machines] == [1, 1]
    on_host = decide(pods(1), [node("n", pod("old", app="shy", affinity=anti(HOSTNAME, "web")))], SIZES)
    assert on_host.fitting == ()


def test_host_ports_are_taken_once_a_host() -> None:
    port = [{"name": "m", "image": "i", "ports": [{"containerPort": 80, "hostPort": 80}]}]
    assert len(decide([pod(f"p{n}", containers=port) for n in range(3)], [], SIZES).machines) == 3


def test_zones_get_even_shares_counting_what_runs() -> None:
    offers = [offer("m", zone=zone) for zone in "abc"]
    running = node("n", *pods(3, "old"), cpus=4, zone="a", accepts=True)
    decision = decide(pods(6, topologySpreadConstraints=spread(ZONE)), [running], offers)
    there = Counter(name for _, name in decision.fitting)
    assert zones(decision) == {"b": 3, "c": 3}
    assert not there


def test_pods_that_belong_together_share_a_host_or_a_zone() -> None:
    offers = [*SIZES, *(offer("other", zone=zone) for zone in "bc")]
    host = decide(pods(8, affinity=near(HOSTNAME)), [], offers)
    assert types(host) == {"large": 1}
    zone = decide(pods(40, affinity=near(ZONE)), [], offers)
    assert len(zones(zone)) == 1


def test_pods_follow_the_pods_they_need() -> None:
    follower = pod("f", app="cache", affinity=near(HOSTNAME, "web"), cpu="500m")
    decision = decide([follower, *pods(1)], [], SIZES)
    assert len(decision.machines) == 1
    lonely = decide([follower], [], SIZES)
    assert "pod affinity" in lonely.refused[0].reason


def test_important_pods_come_first_where_pools_are_short() -> None:
    mixed = [*pods(4, "low", app="low"), *pods(4, "high", app="high", priority=1000)]
    decision = decide(mixed, [], [offer("medium", 4, 16, room=1)])
    assert all(name.startswith("d/high") for name in decision.machines[0].pods)
    assert len(decision.refused[0].pods) == 4


def test_the_order_of_input_does_not_matter() -> None:
    mixed = [*pods(9, "a", cpu="700m"), *pods(7, "b", app="b", cpu="1500m"), *pods(5, "c", app="c", memory="6Gi")]
    expected = types(decide(mixed, [], SIZES))
    for seed in range(5):
        random.Random(seed).shuffle(mixed)
        assert types(decide(mixed, [], SIZES)) == expected


def test_decisions_are_told_in_words() -> None:
    decision = decide([*pods(5), *pods(1, "x", app="x", cpu="99")], [], [offer("medium", 4, 16, 0.2)])
    assert decision.lines() == [
        "pool medium: 2 × medium in a for 5 pods",
        "together about $292.00 a month more",
        "1 pods (d/x-0, …): 0/1 kinds of machines help: 1 too small (cpu)",
    ]
    assert decide([], [], SIZES).lines() == ["nothing to do: no pod waits for a machine"]


KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "alone": {"affinity": anti(HOSTNAME, "alone")},
    "ports": {"topologySpreadConstraints": spread(HOSTNAME, 2, "ports")},
    "zonal": {"topologySpreadConstraints": spread(ZONE, 1, "zonal")},
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.integers(1, 12), st.sampled_from(["250m", "1", "3"])),
        min_size=1, max_size=6,
    )
)  # fmt: skip
@pytest.mark.parametrize("nodes", [0, 2])
def test_no_constraint_is_ever_broken(nodes: int, wanted: list[tuple[str, int, str]]) -> None:
    offers = [offer(f"{size.type}-{zone}", int(size.allocatable["cpu"] / 1000), size.allocatable["memory"] // GIB,
                    size.price_per_hour, zone) for size in SIZES for zone in "ab"]  # fmt: skip
    asked = [one for number, (kind, count, cpu) in enumerate(wanted)
             for one in pods(count, f"{kind}-{number}", cpu=cpu, app=kind, **KINDS[kind])]  # fmt: skip
    by_name = {f"d/{one['metadata']['name']}": one for one in asked}
    decision = decide(asked, [node(f"n{number}") for number in range(nodes)], offers)
    places = [(machine.offer.allocatable, machine.offer.zone, machine.pods) for machine in decision.machines]
    for name in {name for _, name in decision.fitting}:
        there = tuple(key for key, where in decision.fitting if where == name)
        places.append(({"cpu": 4000, "memory": 16 * GIB}, "a", there))
    told = [key for _, _, there in places for key in there] + [key for each in decision.refused for key in each.pods]
    assert sorted(told) == sorted(by_name), "every pod is told of once"
    in_zone = Counter[str]()
    for allocatable, zone, there in places:
        apps = Counter(by_name[key]["metadata"]["labels"]["app"] for key in there)
        cpus = [by_name[key]["spec"]["containers"][0]["resources"]["requests"]["cpu"] for key in there]
        assert sum({"250m": 250, "1": 1000, "3": 3000}[cpu] for cpu in cpus) <= allocatable["cpu"]
        assert len(there) * GIB <= allocatable["memory"]
        assert apps["alone"] <= 1
        assert apps["ports"] <= 2
        in_zone[zone] += apps["zonal"]
    assert all(abs(in_zone[a] - in_zone[b]) <= 1 for a, b in combinations("ab", 2))
