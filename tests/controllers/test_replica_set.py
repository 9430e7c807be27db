from __future__ import annotations

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, name_of, uid_of
from cloudk8s.client.resources import PODS, REPLICA_SETS
from cloudk8s.controllers.replica_set import ReplicaSetController
from cloudk8s.errors import Forbidden
from cloudk8s.machinery import codec
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, pod, replica_set, running


async def test_pods_are_made_from_the_template_and_owned() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 3)]) as run:
        await run.settle()
        pods = run.pods(app="web")
        assert len(pods) == 3
        owner = run.get(REPLICA_SETS, "web")
        for made in pods:
            assert made["metadata"]["generateName"] == "web-"
            assert made["spec"] == owner["spec"]["template"]["spec"]
            assert controller_of(made) == {
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": uid_of(owner),
                "controller": True, "blockOwnerDeletion": True,
            }  # fmt: skip
        status = owner["status"]
        assert status["observedGeneration"] == 1
        assert {status[f"{count}eplicas"] for count in ("r", "readyR", "availableR", "fullyLabeledR")} == {3}
        assert sorted(run.events("web")) == sorted(("SuccessfulCreate", f"Created pod: {name_of(p)}") for p in pods)


async def test_scaling_up_and_down_and_replacing_what_is_deleted() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 3)]) as run:
        await run.settle()
        await run.client.delete(PODS, name_of(run.pods()[0]), namespace=NS)
        await run.settle()
        assert len(run.pods()) == 3
        await run.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": 5}}, namespace=NS)
        await run.settle()
        assert len(run.pods()) == 5
        await run.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": 0}}, namespace=NS)
        await run.settle()
        assert run.pods() == []
        assert run.get(REPLICA_SETS, "web")["status"]["replicas"] == 0
        assert ("SuccessfulDelete") in {reason for reason, _ in run.events("web")}


async def test_never_more_pods_than_asked_for_are_created() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 40)]) as run:
        await run.settle(3)
        created = [action for action in run.client.actions if action.verb == "create" and action.resource == PODS]
        assert len(created) == 40


async def test_a_finished_pod_is_replaced() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 2)]) as run:
        await run.settle()
        await run.set_pod(run.pods()[0], phase="Failed")
        await run.settle()
        assert len(run.pods()) == 3
        assert run.get(REPLICA_SETS, "web")["status"]["replicas"] == 2


async def test_matching_orphans_are_adopted_and_pods_that_stop_matching_are_released() -> None:
    objects = [pod("orphan", labels={"app": "web"}), replica_set("web", 2)]
    async with running(ReplicaSetController, objects=objects) as run:
        await run.settle()
        assert len(run.pods(app="web")) == 2
        adopted = run.get(PODS, "orphan")
        assert controller_of(adopted) is not None
        await run.client.patch(PODS, "orphan", {"metadata": {"labels": {"app": "other"}}}, namespace=NS)
        await run.settle()
        assert controller_of(run.get(PODS, "orphan")) is None
        assert len(run.pods(app="web")) == 2


async def test_a_finished_orphan_is_not_adopted() -> None:
    finished = {**pod("orphan", labels={"app": "web"}), "status": {"phase": "Succeeded"}}
    async with running(ReplicaSetController, objects=[finished, replica_set("web", 1)]) as run:
        await run.settle()
        assert controller_of(run.get(PODS, "orphan")) is None


async def test_an_owner_that_is_being_deleted_neither_creates_nor_adopts() -> None:
    doomed = replica_set("web", 2)
    doomed["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}
    async with running(ReplicaSetController, objects=[doomed, pod("orphan", labels={"app": "web"})]) as run:
        await run.settle()
        assert run.names(PODS) == ["orphan"]
        assert controller_of(run.get(PODS, "orphan")) is None


async def test_a_refused_creation_is_a_condition_until_it_succeeds() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == PODS:
            raise Forbidden('pods "web-" is forbidden: exceeded quota')

    async with running(ReplicaSetController) as run:
        stop = run.client.on(refuse)
        run.client.add(replica_set("web", 3))
        await run.settle()
        (condition,) = run.get(REPLICA_SETS, "web")["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == (
            "ReplicaFailure", "True", "FailedCreate",
        )  # fmt: skip
        assert condition["message"] == 'pods "web-" is forbidden: exceeded quota'
        creations = [action for action in run.client.actions if action.verb == "create" and action.resource == PODS]
        assert len(creations) < 12
        stop()
        await run.settle(20)
        assert len(run.pods()) == 3
        assert "conditions" not in run.get(REPLICA_SETS, "web")["status"]
        assert "FailedCreate" in {reason for reason, _ in run.events("web")}


async def test_a_terminating_namespace_is_not_an_error() -> None:
    cause = {"reason": "NamespaceTerminating", "message": "", "field": ""}

    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == PODS:
            raise Forbidden("being terminated", details={"causes": [cause]})

    async with running(ReplicaSetController) as run:
        run.client.on(refuse)
        run.client.add(replica_set("web", 3))
        await run.settle(5)
        assert "conditions" not in run.get(REPLICA_SETS, "web")["status"]
        assert run.events() == []


async def test_pods_count_as_available_after_min_ready_seconds() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 2, minReadySeconds=10)]) as run:
        await run.settle(5)
        status = run.get(REPLICA_SETS, "web")["status"]
        assert (status["readyReplicas"], status.get("availableReplicas", 0)) == (2, 0)
        await run.settle(7)
        assert run.get(REPLICA_SETS, "web")["status"]["availableReplicas"] == 2


async def test_a_status_that_somebody_else_wrote_is_put_right() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 1)]) as run:
        await run.settle()
        wrong: Object = {"status": {"readyReplicas": 0, "availableReplicas": 0}}
        await run.client.patch(REPLICA_SETS, "web", wrong, namespace=NS, subresource="status")
        await run.settle()
        assert run.get(REPLICA_SETS, "web")["status"]["readyReplicas"] == 1


async def test_terminating_pods_are_counted() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 1)]) as run:
        await run.settle()
        held = codec.copy(run.pods()[0])
        held["metadata"]["finalizers"] = ["example.com/hold"]
        await run.client.update(PODS, held)
        await run.client.delete(PODS, name_of(held), namespace=NS)
        await run.settle()
        status = run.get(REPLICA_SETS, "web")["status"]
        assert (status["replicas"], status["terminatingReplicas"]) == (1, 1)


async def test_a_quiet_object_costs_nothing() -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 3)]) as run:
        await run.settle()
        writes = run.writes(REPLICA_SETS), run.writes(PODS)
        await run.settle(600, step=60)
        assert (run.writes(REPLICA_SETS), run.writes(PODS)) == writes


@pytest.mark.parametrize("fault", ["watches", "expired"])
async def test_lost_watches_do_not_cost_or_gain_pods(fault: str) -> None:
    async with running(ReplicaSetController, objects=[replica_set("web", 10)]) as run:
        for replicas in (3, 12, 7, 20, 1):
            await run.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": replicas}}, namespace=NS)
            run.client.drop_watches()
            if fault == "expired":
                run.client.compact()
            await run.settle(2)
        await run.settle(400, step=5)
        assert len(run.pods()) == 1


async def test_what_became_of_pods_is_said() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "delete" and action.resource == PODS:
            raise Forbidden("no")

    async with running(ReplicaSetController, objects=[replica_set("web", 1)]) as run:
        await run.settle()
        [name] = run.names(PODS)
        stop = run.client.on(refuse)
        await run.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": 0}}, namespace=NS)
        await run.settle()
        assert ("FailedDelete", "Error deleting: no") in run.events("web")
        stop()
        await run.settle(60, step=1)
        assert ("SuccessfulDelete", f"Deleted pod: {name}") in run.events("web")
