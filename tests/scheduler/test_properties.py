"""Random clusters: the columns agree with a plain reading of the rules, and no promise is ever broken."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import NODES, PODS
from cloudk8s.errors import Conflict, InternalError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.scheduler.preemption.candidates import find_by_trial
from cloudk8s.scheduler.preemption.resources import find_by_resources
from cloudk8s.testing.fake_client import Action, FakeClient
from tests.scheduler.harness import NS, REQUIRED, near, node, pod, running, spread, zone
from tests.scheduler.oracle import World
from tests.scheduler.table import Table

HOST, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"
APPS = ("x", "y")


@st.composite
def nodes(draw: st.DrawFn, name: str) -> Object:
    labels = zone(draw(st.sampled_from("123"))) if draw(st.booleans()) else {}
    if draw(st.booleans()):
        labels["disk"] = draw(st.sampled_from(("ssd", "hdd")))
    taints = [("dedicated", "", "NoSchedule")] if draw(st.integers(0, 3)) == 0 else []
    return node(name, cpu=str(draw(st.integers(1, 4))), pods=str(draw(st.integers(1, 5))), labels=labels, taints=taints)


@st.composite
def pods(draw: st.DrawFn, name: str) -> Object:
    app, other = draw(st.sampled_from(APPS)), draw(st.sampled_from(APPS))
    key = draw(st.sampled_from((HOST, ZONE)))
    more: dict[str, Any] = {}
    constraint = spread(key, {"app": other}, skew=draw(st.integers(1, 2)), minDomains=draw(st.integers(1, 3)))
    if draw(st.booleans()):
        constraint["nodeTaintsPolicy"] = "Honor"
    match draw(st.integers(0, 6)):
        case 0:
            more["topologySpreadConstraints"] = [constraint]
        case 1:
            more["topologySpreadConstraints"] = [constraint, spread(HOST, {"app": app})]
        case 2:
            more["affinity"] = {"podAffinity": {REQUIRED: [near({"app": other}, key)]}}
        case 3:
            more["affinity"] = {"podAntiAffinity": {REQUIRED: [near({"app": other}, key)]}}
        case 4:
            selector = draw(st.sampled_from(({}, {"matchLabels": {"team": "blue"}})))
            terms = [near({"app": other}, key, namespaceSelector=selector), near({"app": app}, ZONE)]
            more["affinity"] = {"podAffinity": {REQUIRED: terms[: draw(st.integers(1, 2))]}}
        case 5:
            more["nodeSelector"] = {"disk": "ssd"}
    if draw(st.booleans()):
        more["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
    namespace = draw(st.sampled_from((NS, NS, "other")))
    cpu = draw(st.sampled_from(("", "500m", "1", "2")))
    metadata = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if draw(st.integers(0, 9)) == 0 else {}
    return pod(name, cpu=cpu, labels={"app": app}, namespace=namespace, metadata=metadata, **more)


class Twins:
    """The columns and the plain world, told the same."""

    def __init__(self) -> None:
        self.table, self.world = Table(), World()

    def set_node(self, obj: Object) -> None:
        self.table.put(obj)
        self.world.nodes[obj["metadata"]["name"]] = obj

    def remove_node(self, name: str) -> None:
        self.table.cluster.remove_node(name)
        self.world.nodes.pop(name, None)

    def set_namespace(self, name: str, labels: dict[str, str]) -> None:
        self.table.cluster.set_namespace(name, labels)
        self.world.namespaces[name] = labels

    def place(self, obj: Object, node_name: str) -> None:
        bound = {**obj, "spec": {**obj["spec"], "nodeName": node_name}}
        self.table.place(bound)
        self.world.pods[_key(obj)] = bound

    def remove(self, key: str) -> None:
        self.table.cluster.remove(self.table.cluster.pods[key])
        del self.world.pods[key]


def _key(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_columns_agree_with_a_plain_reading_of_the_rules(data: st.DataObject) -> None:
    twins = Twins()
    for name in "abcde"[: data.draw(st.integers(1, 5))]:
        twins.set_node(data.draw(nodes(name)))
    for step in range(data.draw(st.integers(1, 25))):
        match data.draw(st.integers(0, 9)):
            case 0:
                twins.set_node(data.draw(nodes(data.draw(st.sampled_from("abcdef")))))
            case 1:
                twins.remove_node(data.draw(st.sampled_from("abcdef")))
            case 2:
                labels = data.draw(st.sampled_from(({}, {"team": "blue"})))
                twins.set_namespace(data.draw(st.sampled_from((NS, "other"))), labels)
            case 3 if twins.world.pods:
                twins.remove(data.draw(st.sampled_from(sorted(twins.world.pods))))
            case 4:
                twins.table.cluster.sweep(())
            case _:
                new = data.draw(pods(f"p{step}"))
                expected = twins.world.fits(new)
                assert twins.table.fits(new) == expected
                if not expected and twins.world.nodes:
                    assert twins.table.why(new).startswith(f"0/{len(twins.world.nodes)} nodes are available: ")
                if expected:
                    afresh = _afresh(twins.world)
                    assert twins.table.scores(new, "NodeResourcesFit") == afresh.scores(new, "NodeResourcesFit")
                target = sorted(expected) or (["abcdef"[step % 6]] if step % 5 == 0 else [])
                if target:
                    twins.place(new, data.draw(st.sampled_from(target)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_arithmetic_and_trial_find_the_same_victims(data: st.DataObject) -> None:
    table = Table(*[data.draw(nodes(name)) for name in "abc"])
    for number in range(data.draw(st.integers(0, 12))):
        obj = data.draw(pods(f"p{number}"))
        obj["spec"] |= {"nodeName": data.draw(st.sampled_from("abc")), "priority": data.draw(st.integers(0, 3))}
        obj["status"]["startTime"] = f"2026-01-01T00:00:{data.draw(st.integers(10, 20))}Z"
        table.place(obj)
    new = pod("new", cpu=data.draw(st.sampled_from(("", "1", "2"))), priority=2)
    nominated = table.cluster.pod(pod("nominated", cpu="1", priority=2))
    if data.draw(st.booleans()):
        table.nominations.put(nominated, data.draw(st.sampled_from("abc")))
    cycle = table.cycle(new)
    short = table.decider.short_of_resources(cycle)
    assert short is not None
    rows, needed = short
    protected = data.draw(st.sampled_from(APPS))

    def split(found: Any) -> Any:
        chosen = list(found)
        return [item for item in chosen if item.shape.labels["app"] == protected], [
            item for item in chosen if item.shape.labels["app"] != protected
        ]

    for slot in np.flatnonzero(rows).tolist():
        ahead = table.nominations.ahead_of(cycle.pod, table.cluster.nodes.names[slot])
        if table.decider.fits(cycle, slot):
            continue
        by_trial = find_by_trial(table.cluster, cycle, slot, table.decider.fits, split)
        assert find_by_resources(table.cluster, cycle.pod, slot, needed, ahead, split) == by_trial


def _afresh(world: World) -> Table:
    """A table that has seen nothing but what is there now."""
    table = Table(*world.nodes.values(), *world.pods.values())
    for name, labels in world.namespaces.items():
        table.cluster.set_namespace(name, labels)
    return table


def _random_pod(generator: random.Random, name: str) -> Object:
    app = generator.choice(APPS)
    more: dict[str, Any] = {}
    kind = generator.randrange(4)
    if kind == 1:
        more["topologySpreadConstraints"] = [spread(ZONE, {"app": app}, skew=1)]
    elif kind == 2:
        more["affinity"] = {"podAntiAffinity": {REQUIRED: [near({"app": app}, HOST)]}}
    elif kind == 3:
        more["affinity"] = {"podAffinity": {REQUIRED: [near({"app": app}, ZONE)]}}
    cpu = generator.choice(("250m", "500m", "1"))
    return pod(name, cpu=cpu, labels={"app": app}, priority=generator.choice((0, 0, 10)), **more)


def _world(client: FakeClient) -> World:
    world = World()
    world.nodes = {item["metadata"]["name"]: item for item in client.all(NODES)}
    world.pods = {_key(item): item for item in client.all(PODS) if item["spec"].get("nodeName")}
    return world


@pytest.mark.parametrize("seed", range(12))
async def test_every_binding_is_right_when_it_is_made(seed: int) -> None:
    """Through conflicts, cut watches, deletions and restarts of the scheduler."""
    generator = random.Random(seed)
    clock = FakeClock()
    client = FakeClient(clock=clock, seed=seed)
    for number in range(6):
        client.add(node(f"n{number}", cpu="2", labels=zone(str(number % 3))))
    checked: list[str] = []

    def judge(action: Action) -> None:
        if action.subresource != "binding":
            return
        if generator.random() < 0.1:
            raise generator.choice((InternalError("no"), Conflict("no")))
        obj = client.peek(PODS, action.name, action.namespace)
        assert obj is not None
        world, target = _world(client), action.body["target"]["name"]
        assert world.has_room(obj, target), f"{action.name} overcommits {target}"
        assert not any(world.is_near_one(term, obj, world.nodes[target]) for term in _anti(obj))
        assert not any(world.is_shunned(obj, world.nodes[target], other) for other in world.pods.values())
        checked.append(action.name)

    client.on(judge)
    count = 0
    for _ in range(4):
        async with running(client=client, clock=clock, seed=seed) as run:
            for _ in range(12):
                match generator.randrange(5):
                    case 0:
                        client.drop_watches()
                    case 1:
                        if bound := [item for item in client.all(PODS) if item["spec"].get("nodeName")]:
                            name = generator.choice(bound)["metadata"]["name"]
                            options = DeleteOptions(grace_period_seconds=0)
                            await client.delete(PODS, name, namespace=NS, options=options)
                    case _:
                        count += 1
                        await run.create(_random_pod(generator, f"p{count}"))
                await run.settle(generator.choice((0.0, 0.1, 2.0)))
            await run.settle(3)
    assert len(checked) > 8


def _anti(obj: Object) -> list[Any]:
    return list(((obj["spec"].get("affinity") or {}).get("podAntiAffinity") or {}).get(REQUIRED) or ())
