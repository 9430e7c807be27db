"""What else machines are chosen by: preferences, ports, devices, namespaces, closed nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from cloudk8s.provisioning.autoscaler.consolidation import removable
from cloudk8s.provisioning.autoscaler.demand import Surroundings
from cloudk8s.provisioning.autoscaler.packing import decide
from cloudk8s.scheduler.pod.ports import HostPort
from cloudk8s.scheduler.pod.toleration import Taint
from tests.provisioning.autoscaler.objects import HOSTNAME, ZONE, anti, node, offer, pod, pods, spread

CHEAP, DEAR = offer("cheap", price=0.1, labels={"disk": "slow"}), offer("dear", price=9.0, labels={"disk": "fast"})


def prefers(*liked: tuple[int, str, str]) -> dict[str, Any]:
    terms = [
        {"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}}
        for weight, key, value in liked
    ]
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}


def with_port(name: str, port: int, **fields: Any) -> Any:
    found = pod(name, cpu="100m", **fields)
    found["spec"]["containers"][0]["ports"] = [{"containerPort": port, "hostPort": port}]
    return found


def test_what_a_pod_prefers_is_made_before_what_is_cheap() -> None:
    liking = pods(3, affinity=prefers((10, "disk", "fast")))
    assert {each.offer.type for each in decide(liking, [], [CHEAP, DEAR]).machines} == {"dear"}
    assert {each.offer.type for each in decide(pods(3), [], [CHEAP, DEAR]).machines} == {"cheap"}


def test_preferences_are_an_order_and_not_a_must() -> None:
    full = offer("dear", price=9.0, labels={"disk": "fast"}, room=1)
    liking = pods(8, affinity=prefers((10, "disk", "fast")))
    assert Counter(each.offer.type for each in decide(liking, [], [CHEAP, full]).machines) == {"dear": 1, "cheap": 1}
    weighed = prefers((10, "disk", "slow"), (1, "disk", "fast"))
    assert {each.offer.type for each in decide(pods(1, affinity=weighed), [], [CHEAP, DEAR]).machines} == {"cheap"}


def test_taints_that_ask_to_stay_away_are_respected_while_there_is_a_choice() -> None:
    shunned = replace(offer("shunned", price=0.01), taints=(Taint("k", "", "PreferNoSchedule"),))
    assert {each.offer.type for each in decide(pods(1), [], [shunned, CHEAP]).machines} == {"cheap"}
    assert {each.offer.type for each in decide(pods(1), [], [shunned]).machines} == {"shunned"}


def test_ports_of_other_pods_and_of_daemons_are_taken() -> None:
    decision = decide([with_port("a", 80, app="a"), with_port("b", 80, app="b")], [], [CHEAP])
    assert len(decision.machines) == 2
    beside = decide([with_port("a", 80, app="a")], [node("n", with_port("old", 80, app="c"))], [CHEAP])
    assert len(beside.machines) == 1
    taken = offer("m", ports=(HostPort("0.0.0.0", "TCP", 80),))
    assert decide([with_port("a", 80)], [], [taken]).refused[0].reason == (
        "0/1 kinds of machines help: 1 didn't have free ports for the requested pod ports"
    )


def test_devices_of_resource_claims_are_refused_clearly() -> None:
    asking = pods(2, resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpu"}])
    decision = decide(asking, [node("n")], [CHEAP])
    assert not decision.machines
    assert not decision.fitting
    assert "devices of resource claims" in decision.refused[0].reason
    _, kept = removable([node("n", asking[0])], {"m": 1})
    assert "devices of resource claims" in kept[0].reason


def test_namespaces_are_known_by_their_labels() -> None:
    affinity = anti(HOSTNAME)
    term = affinity["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    term["namespaceSelector"] = {"matchLabels": {"team": "red"}}
    there = pod("old")
    there["metadata"]["namespace"] = "other"
    nodes = [node("n", there)]
    around = Surroundings(namespaces={"other": {"team": "red"}, "d": {}})
    assert len(decide(pods(1, affinity=affinity), nodes, [CHEAP], around).machines) == 1
    assert len(decide(pods(1, affinity=affinity), nodes, [CHEAP]).fitting) == 1


def test_pods_on_closed_nodes_count_for_those_who_mind_them() -> None:
    closed = node("n", *pods(2, "old"), zone="a", accepts=False)
    offers = [offer("m-a", zone="a", price=0.1), offer("m-b", zone="b", price=0.3)]
    away = decide(pods(1, affinity=anti(ZONE)), [closed], offers)
    assert [each.offer.zone for each in away.machines] == ["b"]
    even = decide(pods(2, topologySpreadConstraints=spread(ZONE)), [closed], offers)
    assert [each.offer.zone for each in even.machines] == ["b"]


def test_zones_that_pods_have_to_count_but_may_not_use_stop_a_spread() -> None:
    shut = node("n", zone="z", taints=(Taint("k", "", "NoSchedule"),))
    decision = decide(pods(3, topologySpreadConstraints=spread(ZONE)), [shut], [offer("m", zone="a")])
    assert [len(machine.pods) for machine in decision.machines] == [1]
    assert len(decision.refused[0].pods) == 2
    honouring = [{**spread(ZONE)[0], "nodeTaintsPolicy": "Honor"}]
    assert not decide(pods(3, topologySpreadConstraints=honouring), [shut], [offer("m", zone="a")]).refused


def test_a_node_that_says_so_stays() -> None:
    nodes = [node("n", held="its annotation karpenter.sh/do-not-disrupt says so"), node("m")]
    removals, kept = removable(nodes, {"m": 2})
    assert [each.node for each in removals] == ["m"]
    assert kept[0].reason == "its annotation karpenter.sh/do-not-disrupt says so"
