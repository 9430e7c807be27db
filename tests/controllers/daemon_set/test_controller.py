from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, labels_of, name_of, uid_of
from cloudk8s.client.resources import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from cloudk8s.controllers.daemon_set.controller import DaemonSetController
from cloudk8s.controllers.daemon_set.pods import target_node
from tests.controllers.harness import NS, Harness, daemon_set, node, pod, running

HASH = "controller-revision-hash"


def nodes(count: int) -> list[Object]:
    return [node(f"n{number}") for number in range(count)]


def where(run: Harness) -> list[str]:
    return sorted(target_node(item) for item in run.pods(app="agent"))


def images(run: Harness) -> dict[str, str]:
    return {target_node(item): item["spec"]["containers"][0]["image"] for item in run.pods(app="agent")}


def status(run: Harness) -> Object:
    found: Object = run.get(DAEMON_SETS, "agent")["status"]
    return found


def on(run: Harness, name: str) -> Object:
    (found,) = [item for item in run.pods(app="agent") if target_node(item) == name]
    return found


async def set_image(run: Harness, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}
    await run.client.patch(DAEMON_SETS, "agent", patch, namespace=NS, type="strategic")


async def patch_node(run: Harness, name: str, patch: Object) -> None:
    await run.client.patch(NODES, name, patch)


def taint(key: str, effect: str) -> Object:
    return {"key": key, "effect": effect}


async def test_every_node_gets_one_pod_that_the_scheduler_can_put_nowhere_else() -> None:
    async with running(DaemonSetController, objects=[*nodes(3), daemon_set("agent")]) as run:
        await run.settle()
        assert where(run) == ["n0", "n1", "n2"]
        made = on(run, "n1")
        assert controller_of(made)["name"] == "agent"  # type: ignore[index]
        (revision,) = run.client.all(CONTROLLER_REVISIONS)
        assert labels_of(made) == {"app": "agent", HASH: labels_of(revision)[HASH]}
        assert made["spec"]["affinity"] == {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
                    ]
                }
            }
        }
        assert [(t["key"].partition("/")[2], t["effect"]) for t in made["spec"]["tolerations"]] == [
            ("not-ready", "NoExecute"), ("unreachable", "NoExecute"), ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"), ("pid-pressure", "NoSchedule"), ("unschedulable", "NoSchedule"),
        ]  # fmt: skip
        assert status(run) == {
            "currentNumberScheduled": 3, "numberMisscheduled": 0, "desiredNumberScheduled": 3, "numberReady": 3,
            "observedGeneration": 1, "updatedNumberScheduled": 3, "numberAvailable": 3,
        }  # fmt: skip
        assert {reason for reason, _ in run.events("agent")} == {"SuccessfulCreate"}


async def test_nodes_and_pods_that_come_and_go() -> None:
    async with running(DaemonSetController, objects=[*nodes(1), daemon_set("agent")]) as run:
        await run.settle()
        run.client.add(node("n1"))
        await run.settle()
        assert where(run) == ["n0", "n1"]
        await run.client.delete(PODS, name_of(on(run, "n0")), namespace=NS)
        await run.settle()
        assert where(run) == ["n0", "n1"]


async def test_a_node_selector_follows_labels() -> None:
    agent = daemon_set("agent")
    agent["spec"]["template"]["spec"]["nodeSelector"] = {"color": "blue"}
    async with running(DaemonSetController, objects=[*nodes(2), agent]) as run:
        await run.settle()
        assert where(run) == []
        await patch_node(run, "n0", {"metadata": {"labels": {"color": "blue"}}})
        await run.settle()
        assert where(run) == ["n0"]
        await patch_node(run, "n0", {"metadata": {"labels": {"color": "green"}}})
        await run.settle()
        assert where(run) == []


@pytest.mark.parametrize(
    ("term", "chosen"),
    [
        ({"matchExpressions": [{"key": "color", "operator": "In", "values": ["red", "blue"]}]}, ["n0"]),
        ({"matchExpressions": [{"key": "color", "operator": "DoesNotExist"}]}, ["n1", "n2"]),
        ({"matchExpressions": [{"key": "size", "operator": "Gt", "values": ["3"]}]}, ["n2"]),
        ({"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n0"]}]}, ["n1", "n2"]),
    ],
)
async def test_required_node_affinity_chooses_nodes(term: Object, chosen: list[str]) -> None:
    agent = daemon_set("agent")
    required = {"nodeSelectorTerms": [term]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    agent["spec"]["template"]["spec"]["affinity"] = affinity
    async with running(DaemonSetController, objects=[*nodes(3), agent]) as run:
        await patch_node(run, "n0", {"metadata": {"labels": {"color": "blue", "size": "2"}}})
        await patch_node(run, "n2", {"metadata": {"labels": {"size": "4"}}})
        await run.settle(2)
        assert where(run) == chosen
        assert status(run)["desiredNumberScheduled"] == len(chosen)


@pytest.mark.parametrize(
    ("taints", "stays", "comes"),
    [
        ([taint("node.kubernetes.io/unreachable", "NoExecute")], True, True),
        ([taint("node.kubernetes.io/unschedulable", "NoSchedule")], True, True),
        ([taint("mine", "PreferNoSchedule")], True, True),
        ([taint("mine", "NoSchedule")], True, False),
        ([taint("mine", "NoExecute")], False, False),
    ],
)
async def test_taints_keep_pods_away(taints: list[Object], stays: bool, comes: bool) -> None:
    tainted = {**node("n1"), "spec": {"taints": taints}}
    async with running(DaemonSetController, objects=[node("n0"), tainted, daemon_set("agent")]) as run:
        await run.settle()
        assert ("n1" in where(run)) is comes
        await patch_node(run, "n0", {"spec": {"taints": taints}})
        await run.settle()
        assert ("n0" in where(run)) is stays
        assert status(run)["numberMisscheduled"] == (1 if stays and not comes else 0)


async def test_a_failed_pod_is_replaced_more_slowly_each_time() -> None:
    async with running(DaemonSetController, objects=[*nodes(1), daemon_set("agent")]) as run:
        await run.settle()
        uids = [uid_of(on(run, "n0"))]
        await run.set_pod(on(run, "n0"), phase="Failed")
        await run.settle(0.5)
        uids.append(uid_of(on(run, "n0")))
        await run.set_pod(on(run, "n0"), phase="Failed")
        await run.settle(0.3)
        assert uid_of(on(run, "n0")) == uids[-1] != uids[0]
        await run.settle(2)
        assert uid_of(on(run, "n0")) not in uids
        reasons = [reason for reason, _ in run.events("agent")]
        assert reasons.count("FailedDaemonPod") == 2


async def test_a_second_pod_on_a_node_goes() -> None:
    async with running(DaemonSetController, objects=[*nodes(1), daemon_set("agent")]) as run:
        await run.settle()
        first = on(run, "n0")
        second = {**pod("second", labels=labels_of(first)), "spec": first["spec"]}
        second["metadata"]["creationTimestamp"] = "2027-01-01T00:00:00Z"
        run.client.add(second)
        await run.settle()
        assert [name_of(item) for item in run.pods(app="agent")] == [name_of(first)]


async def test_an_update_never_takes_away_more_than_it_may() -> None:
    agent = daemon_set("agent", rolling={"maxUnavailable": 2}, minReadySeconds=1)
    async with running(DaemonSetController, objects=[*nodes(6), agent]) as run:
        await run.settle(3)
        await set_image(run, "image:2")
        for _ in range(200):
            await run.settle(0.05)
            missing = status(run).get("numberUnavailable", 0)
            assert missing <= 2
        assert set(images(run).values()) == {"image:2"}
        assert sorted(r["revision"] for r in run.client.all(CONTROLLER_REVISIONS)) == [1, 2]


async def test_a_bad_update_stops_and_goes_back_without_restarting_what_still_runs() -> None:
    async with running(DaemonSetController, objects=[*nodes(4), daemon_set("agent")]) as run:
        await run.settle()
        before = {uid_of(item) for item in run.pods(app="agent")}
        run.bad_images.add("bad:1")
        await set_image(run, "bad:1")
        await run.settle(3)
        assert sorted(images(run).values()) == ["bad:1", "image:1", "image:1", "image:1"]
        await set_image(run, "image:1")
        await run.settle(3)
        assert set(images(run).values()) == {"image:1"}
        assert len(before & {uid_of(item) for item in run.pods(app="agent")}) == 3
        assert sorted(r["revision"] for r in run.client.all(CONTROLLER_REVISIONS)) == [2, 3]


async def test_a_surge_keeps_every_node_served() -> None:
    agent = daemon_set("agent", rolling={"maxSurge": 1, "maxUnavailable": 0})
    async with running(DaemonSetController, objects=[*nodes(3), agent]) as run:
        await run.settle()
        await set_image(run, "image:2")
        for _ in range(100):
            await run.settle(0.05)
            pods = run.pods(app="agent")
            assert len(pods) <= 4
            assert {target_node(item) for item in pods if _is_ready(item)} == {"n0", "n1", "n2"}
        assert images(run) == dict.fromkeys(("n0", "n1", "n2"), "image:2")


def _is_ready(item: Object) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"].get("conditions", ()))


async def test_on_delete_updates_only_what_others_delete() -> None:
    agent = daemon_set("agent", updateStrategy={"type": "OnDelete"})
    async with running(DaemonSetController, objects=[*nodes(2), agent]) as run:
        await run.settle()
        await set_image(run, "image:2")
        await run.settle()
        assert set(images(run).values()) == {"image:1"}
        await run.client.delete(PODS, name_of(on(run, "n1")), namespace=NS)
        await run.settle()
        assert images(run) == {"n0": "image:1", "n1": "image:2"}


async def test_a_revision_that_is_deleted_is_made_again_and_one_too_many_is_merged() -> None:
    async with running(DaemonSetController, objects=[*nodes(1), daemon_set("agent")]) as run:
        await run.settle()
        (first,) = run.client.all(CONTROLLER_REVISIONS)
        second = {**first, "metadata": {**first["metadata"], "name": "mine", "labels": {"app": "agent"}}, "revision": 2}
        second["metadata"].pop("uid")
        await run.client.create(CONTROLLER_REVISIONS, second, namespace=NS)
        await run.settle()
        (kept,) = run.client.all(CONTROLLER_REVISIONS)
        assert name_of(kept) == "mine"
        assert labels_of(on(run, "n0"))[HASH] == labels_of(kept)[HASH] == "mine"
        await run.client.delete(CONTROLLER_REVISIONS, "mine", namespace=NS)
        await run.settle()
        (again,) = run.client.all(CONTROLLER_REVISIONS)
        assert name_of(again) == name_of(first)


async def test_pods_waiting_for_a_node_that_is_gone_go_too() -> None:
    async with running(DaemonSetController, objects=[*nodes(2), daemon_set("agent")]) as run:
        run.has_kubelet = False
        await run.settle()
        await run.client.delete(NODES, "n1")
        await run.settle()
        assert where(run) == ["n0"]


async def test_an_empty_selector_is_refused() -> None:
    async with running(DaemonSetController, objects=[*nodes(1), daemon_set("agent", selector={})]) as run:
        await run.settle()
        assert run.names(PODS) == []
        message = "This daemon set is selecting all pods. A non-empty selector is required."
        assert ("SelectingAll", message) in run.events("agent")


async def test_looking_at_many_nodes_costs_a_request_only_where_something_lacks() -> None:
    async with running(DaemonSetController, objects=[*nodes(300), daemon_set("agent")]) as run:
        await run.settle(2)
        assert len(where(run)) == 300
        before = len(run.client.actions)
        for item in nodes(300):
            await run.client.patch(NODES, name_of(item), _heartbeat(), subresource="status")
        await run.settle()
        writes = [a for a in run.client.actions[before:] if a.resource != NODES]
        assert writes == []


def _heartbeat() -> dict[str, Any]:
    conditions: Iterable[Object] = [{"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-01-01T00:01:00Z"}]
    return {"status": {"conditions": list(conditions)}}
