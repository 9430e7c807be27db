from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, controller_of, labels_of, name_of
from cloudk8s.client.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.deployment.annotations import REVISION, REVISION_HISTORY, ROLLBACK_TO
from cloudk8s.controllers.deployment.controller import DeploymentController
from cloudk8s.controllers.deployment.sets import max_surge, max_unavailable
from cloudk8s.controllers.replica_set import ReplicaSetController
from cloudk8s.errors import Forbidden
from cloudk8s.machinery import codec
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, Harness, deployment, pod, replica_set, rolling, running


@asynccontextmanager
async def rollout(*objects: Object) -> AsyncIterator[Harness]:
    async with running(DeploymentController, ReplicaSetController, objects=objects) as run:
        yield run


async def patch(run: Harness, spec: Object, name: str = "web") -> None:
    await run.client.patch(DEPLOYMENTS, name, {"spec": spec}, namespace=NS)


async def set_image(run: Harness, image: str) -> None:
    await patch(run, {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}})


def sizes(run: Harness) -> dict[str, int]:
    """Size of each ReplicaSet by its image."""
    return {
        item["spec"]["template"]["spec"]["containers"][0]["image"]: item["spec"]["replicas"]
        for item in run.client.all(REPLICA_SETS)
    }


def progressing(run: Harness) -> dict[str, Any]:
    found = conditions.find(run.get(DEPLOYMENTS, "web")["status"]["conditions"], "Progressing")
    assert found is not None
    return dict(found)


async def test_a_deployment_makes_a_replica_set_and_completes() -> None:
    async with rollout(deployment("web", 3)) as run:
        await run.settle(2)
        (item,) = run.client.all(REPLICA_SETS)
        hash = labels_of(item)["pod-template-hash"]
        assert name_of(item) == f"web-{hash}"
        assert item["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hash}
        assert item["spec"]["template"]["metadata"]["labels"] == {"app": "web", "pod-template-hash": hash}
        assert annotations_of(item) == {
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
            "deployment.kubernetes.io/revision": "1",
        }
        found = run.get(DEPLOYMENTS, "web")
        assert annotations_of(found) == {REVISION: "1"}
        status = found["status"]
        assert [status[f] for f in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")] == [3] * 4
        assert status["observedGeneration"] == 1
        assert "unavailableReplicas" not in status
        available = conditions.find(status["conditions"], "Available")
        assert available is not None
        assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")
        assert (progressing(run)["status"], progressing(run)["reason"]) == ("True", "NewReplicaSetAvailable")
        assert progressing(run)["message"] == f'ReplicaSet "{name_of(item)}" has successfully progressed.'
        assert run.events("web") == [("ScalingReplicaSet", f"Scaled up replica set {name_of(item)} from 0 to 3")]


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable"),
    [
        (10, "25%", "25%"),
        (10, 1, 0),
        (10, 0, 1),
        (3, "100%", 0),
        (1, 1, 0),
        (7, 0, "50%"),
        (5, 0, 0),
        (4, "0%", "100%"),
    ],
)
async def test_a_rolling_update_never_has_too_many_or_too_few_pods(
    replicas: int, surge: int | str, unavailable: int | str
) -> None:
    made = deployment("web", replicas, strategy=rolling(surge, unavailable))
    most, least = replicas + max_surge(made), replicas - max_unavailable(made)
    async with rollout(made) as run:
        await run.settle(2)
        await set_image(run, "image:2")
        for _ in range(200):
            await run.settle(0.1)
            pods = run.pods()
            ready = sum(p.get("status", {}).get("phase") == "Running" for p in pods)
            assert len(pods) <= most
            assert ready >= least
            assert sum(item["spec"]["replicas"] for item in run.client.all(REPLICA_SETS)) <= most
            if sizes(run) == {"image:1": 0, "image:2": replicas} and ready == replicas == len(pods):
                break
        assert sizes(run) == {"image:1": 0, "image:2": replicas}
        await run.settle(1)
        assert progressing(run)["reason"] == "NewReplicaSetAvailable"
        assert annotations_of(run.get(DEPLOYMENTS, "web"))[REVISION] == "2"


async def test_recreate_waits_until_every_old_pod_is_gone() -> None:
    async with rollout(deployment("web", 4, strategy={"type": "Recreate"})) as run:
        await run.settle(2)
        for item in run.client.all(PODS):
            held = {"metadata": {"finalizers": ["example.com/hold"]}}
            await run.client.patch(PODS, name_of(item), held, namespace=NS)
        await set_image(run, "image:2")
        await run.settle(3)
        assert sizes(run) == {"image:1": 0}
        for item in run.client.all(PODS):
            await run.client.patch(PODS, name_of(item), {"metadata": {"finalizers": None}}, namespace=NS)
        await run.settle(3)
        assert sizes(run) == {"image:1": 0, "image:2": 4}
        assert len(run.pods()) == 4


async def test_a_rollover_scales_down_what_never_became_ready() -> None:
    async with rollout(deployment("web", 1, strategy=rolling(1, 0), minReadySeconds=10)) as run:
        run.bad_images.add("bad")
        await run.settle(15)
        await set_image(run, "bad")
        await run.settle(5)
        assert sizes(run) == {"image:1": 1, "bad": 1}
        await set_image(run, "image:3")
        await run.settle(30)
        assert sizes(run) == {"image:1": 0, "bad": 0, "image:3": 1}
        assert annotations_of(run.get(DEPLOYMENTS, "web"))[REVISION] == "3"


async def test_proportional_scaling_in_the_middle_of_a_rollout() -> None:
    async with rollout(deployment("web", 10, strategy=rolling(3, 2))) as run:
        run.bad_images.add("bad")
        await run.settle(2)
        await set_image(run, "bad")
        await run.settle(3)
        assert sizes(run) == {"image:1": 8, "bad": 5}
        await patch(run, {"replicas": 30})
        await run.settle(3)
        assert sizes(run) == {"image:1": 20, "bad": 13}
        await patch(run, {"replicas": 5})
        await run.settle(3)
        assert sum(sizes(run).values()) == 8


async def test_scaling_a_finished_rollout() -> None:
    async with rollout(deployment("web", 3)) as run:
        await run.settle(2)
        for replicas in (7, 2, 0):
            await patch(run, {"replicas": replicas})
            await run.settle(2)
            assert sizes(run) == {"image:1": replicas}
            (item,) = run.client.all(REPLICA_SETS)
            assert annotations_of(item)["deployment.kubernetes.io/desired-replicas"] == str(replicas)
        assert len(run.pods()) == 0


async def test_undo_reuses_the_old_replica_set_and_gives_it_a_new_revision() -> None:
    async with rollout(deployment("web", 2)) as run:
        for image in ("image:2", "image:1"):
            await run.settle(3)
            await set_image(run, image)
        await run.settle(3)
        assert sizes(run) == {"image:1": 2, "image:2": 0}
        found = {i["spec"]["template"]["spec"]["containers"][0]["image"]: i for i in run.client.all(REPLICA_SETS)}
        assert annotations_of(found["image:1"])[REVISION] == "3"
        assert annotations_of(found["image:1"])[REVISION_HISTORY] == "1"


async def test_the_rollback_annotation_goes_back_to_a_revision() -> None:
    async with rollout(deployment("web", 2)) as run:
        for image in ("image:2", "image:3"):
            await run.settle(3)
            await set_image(run, image)
        await run.settle(3)
        for wanted, image in (("1", "image:1"), ("0", "image:3")):
            await run.client.patch(
                DEPLOYMENTS, "web", {"metadata": {"annotations": {ROLLBACK_TO: wanted}}}, namespace=NS
            )
            await run.settle(3)
            found = run.get(DEPLOYMENTS, "web")
            assert found["spec"]["template"]["spec"]["containers"][0]["image"] == image
            assert "pod-template-hash" not in labels_of(found["spec"]["template"])
            assert ROLLBACK_TO not in annotations_of(found)
        assert ("DeploymentRollback", 'Rolled back deployment "web" to revision 1') in run.events("web")
        await run.client.patch(DEPLOYMENTS, "web", {"metadata": {"annotations": {ROLLBACK_TO: "77"}}}, namespace=NS)
        await run.settle(3)
        assert "DeploymentRollbackRevisionNotFound" in {reason for reason, _ in run.events("web")}


async def test_an_adopted_replica_set_keeps_its_revision_however_large() -> None:
    adopted = replica_set("old", 1, labels={"app": "web"})
    adopted["metadata"]["annotations"] = {REVISION: "3546343826724305832"}
    made = deployment("web", 1)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = "image:2"
    async with rollout(adopted, made) as run:
        await run.settle(4)
        assert annotations_of(run.get(DEPLOYMENTS, "web"))[REVISION] == "3546343826724305833"
        assert controller_of(run.get(REPLICA_SETS, "old")) is not None
        assert sizes(run) == {"image:1": 0, "image:2": 1}


async def test_history_beyond_the_limit_is_deleted() -> None:
    async with rollout(deployment("web", 1, revisionHistoryLimit=1)) as run:
        for number in range(2, 6):
            await run.settle(3)
            await set_image(run, f"image:{number}")
        await run.settle(3)
        assert sizes(run) == {"image:4": 0, "image:5": 1}


async def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    async with rollout(deployment("web", 2)) as run:
        await run.settle(2)
        await patch(run, {"paused": True})
        await set_image(run, "image:2")
        await patch(run, {"replicas": 4})
        await run.settle(2)
        assert sizes(run) == {"image:1": 4}
        assert (progressing(run)["status"], progressing(run)["reason"]) == ("Unknown", "DeploymentPaused")
        await patch(run, {"paused": None})
        await run.settle(3)
        assert sizes(run) == {"image:1": 0, "image:2": 4}
        assert progressing(run)["reason"] == "NewReplicaSetAvailable"


async def test_a_rollout_that_does_not_move_times_out_and_recovers() -> None:
    async with rollout(deployment("web", 1, progressDeadlineSeconds=60)) as run:
        run.bad_images.add("bad")
        await run.settle(2)
        await set_image(run, "bad")
        await run.settle(30)
        assert progressing(run)["reason"] == "ReplicaSetUpdated"
        await run.settle(40)
        assert (progressing(run)["status"], progressing(run)["reason"]) == ("False", "ProgressDeadlineExceeded")
        assert progressing(run)["message"].endswith(" has timed out progressing.")
        await set_image(run, "image:3")
        await run.settle(3)
        assert (progressing(run)["status"], progressing(run)["reason"]) == ("True", "NewReplicaSetAvailable")


async def test_a_name_that_is_taken_leads_to_the_next_one() -> None:
    async with rollout(deployment("web", 1)) as run:
        await run.settle(2)
        (first,) = run.names(REPLICA_SETS)
    squatter = replica_set(first, 0, labels={"app": "squatter"})
    async with rollout(squatter, deployment("web", 1)) as run:
        await run.settle(2)
        assert run.get(DEPLOYMENTS, "web")["status"]["collisionCount"] == 1
        assert len(run.names(REPLICA_SETS)) == 2
        assert len(run.pods(app="web")) == 1


async def test_a_failing_replica_set_shows_in_the_deployment() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == PODS:
            raise Forbidden("exceeded quota")

    async with rollout() as run:
        stop = run.client.on(refuse)
        run.client.add(deployment("web", 2))
        await run.settle(2)
        failure = conditions.find(run.get(DEPLOYMENTS, "web")["status"]["conditions"], "ReplicaFailure")
        assert failure is not None
        assert (failure["reason"], failure["message"]) == ("FailedCreate", "exceeded quota")
        stop()
        await run.settle(20)
        assert conditions.find(run.get(DEPLOYMENTS, "web")["status"]["conditions"], "ReplicaFailure") is None


async def test_a_replica_set_that_cannot_be_made_is_reported() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == REPLICA_SETS:
            raise Forbidden("no")

    async with rollout() as run:
        run.client.on(refuse)
        run.client.add(deployment("web", 2))
        await run.settle(2)
        assert progressing(run)["reason"] == "ReplicaSetCreateError"
        assert "ReplicaSetCreateError" in {reason for reason, _ in run.events("web")}


async def test_selecting_everything_is_refused() -> None:
    async with rollout(deployment("web", 2, selector={}), pod("innocent", labels={"a": "b"})) as run:
        await run.settle(2)
        assert run.names(REPLICA_SETS) == []
        message = "This deployment is selecting all pods. A non-empty selector is required."
        assert run.events("web") == [("SelectingAll", message)]
        assert run.get(DEPLOYMENTS, "web")["status"]["observedGeneration"] == 1


async def test_status_written_by_others_is_put_right() -> None:
    async with rollout(deployment("web", 2)) as run:
        await run.settle(2)
        wrong: Object = {"status": {"readyReplicas": 0, "availableReplicas": 0}}
        await run.client.patch(DEPLOYMENTS, "web", wrong, namespace=NS, subresource="status")
        await run.settle(1)
        assert run.get(DEPLOYMENTS, "web")["status"]["readyReplicas"] == 2


async def test_annotations_are_carried_to_the_replica_set() -> None:
    made = deployment("web", 1)
    made["metadata"]["annotations"] = {
        "kubernetes.io/change-cause": "first",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    async with rollout(made) as run:
        await run.settle(2)
        (item,) = run.client.all(REPLICA_SETS)
        assert annotations_of(item)["kubernetes.io/change-cause"] == "first"
        assert "kubectl.kubernetes.io/last-applied-configuration" not in annotations_of(item)


async def test_a_finished_rollout_costs_nothing() -> None:
    async with rollout(deployment("web", 3)) as run:
        await run.settle(2)
        before = run.writes(DEPLOYMENTS), run.writes(REPLICA_SETS)
        await run.settle(2000, step=100)
        assert (run.writes(DEPLOYMENTS), run.writes(REPLICA_SETS)) == before


async def test_a_rollout_survives_conflicts_lost_watches_and_restarts() -> None:
    async with rollout(deployment("web", 8)) as run:
        await run.settle(2)
        for number in range(2, 9):
            await set_image(run, f"image:{number}")
            run.client.drop_watches()
            if number % 2:
                run.client.compact()
            await run.settle(0.5)
            wrong: Object = {"metadata": {"annotations": {"noise": str(number)}}}
            await run.client.patch(DEPLOYMENTS, "web", wrong, namespace=NS)
        client, clock = run.client, run.clock
    async with running(DeploymentController, ReplicaSetController, client=client, clock=clock) as run:
        await run.settle(200, step=0.5)
        assert {image: size for image, size in sizes(run).items() if size} == {"image:8": 8}
        assert len(run.pods()) == 8


async def test_pods_on_their_way_out_are_counted() -> None:
    async with rollout(deployment("web", 2)) as run:
        await run.settle(2)
        held = codec.copy(run.pods()[0])
        held["metadata"]["finalizers"] = ["example.com/hold"]
        await run.client.update(PODS, held)
        await run.client.delete(PODS, name_of(held), namespace=NS)
        await run.settle(2)
        status = run.get(DEPLOYMENTS, "web")["status"]
        assert (status["replicas"], status["terminatingReplicas"]) == (2, 1)
