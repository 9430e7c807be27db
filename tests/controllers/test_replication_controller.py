"""What is ReplicaSets' own is tested there; here, that ReplicationControllers get it too, in their own form."""

from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, controller_of, name_of, uid_of
from cloudk8s.client.resources import PODS, REPLICATION_CONTROLLERS
from cloudk8s.controllers.replication_controller import ReplicationControllerController
from cloudk8s.errors import Forbidden
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, pod, running, template

LABELS = {"app": "old"}


def replication_controller(replicas: int) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ReplicationController",
        "metadata": {"name": "old", "namespace": NS, "labels": LABELS},
        "spec": {"replicas": replicas, "selector": LABELS, "template": template(LABELS)},
    }


async def test_pods_are_made_owned_counted_and_deleted() -> None:
    async with running(ReplicationControllerController, objects=[replication_controller(3)]) as run:
        await run.settle()
        owner = run.get(REPLICATION_CONTROLLERS, "old")
        reference = controller_of(run.pods(app="old")[0])
        assert reference == {
            "apiVersion": "v1", "kind": "ReplicationController", "name": "old", "uid": uid_of(owner),
            "controller": True, "blockOwnerDeletion": True,
        }  # fmt: skip
        status = owner["status"]
        assert {status[f"{count}eplicas"] for count in ("r", "readyR", "availableR", "fullyLabeledR")} == {3}
        await run.client.patch(REPLICATION_CONTROLLERS, "old", {"spec": {"replicas": 1}}, namespace=NS)
        await run.settle()
        assert len(run.pods()) == 1


async def test_orphans_are_adopted_and_others_released() -> None:
    objects = [replication_controller(1), pod("orphan", labels=LABELS)]
    async with running(ReplicationControllerController, objects=objects) as run:
        await run.settle()
        assert run.names(PODS) == ["orphan"]
        await run.client.patch(PODS, "orphan", {"metadata": {"labels": {"app": "free"}}}, namespace=NS)
        await run.settle()
        assert controller_of(run.get(PODS, "orphan")) is None
        assert len(run.pods(app="old")) == 1


async def test_a_quota_shows_as_a_condition_until_there_is_room() -> None:
    def full(action: Action) -> None:
        if action.verb == "create" and action.resource == PODS and len(run.pods()) >= 2:
            raise Forbidden('pods "x" is forbidden: exceeded quota: q')

    async with running(ReplicationControllerController) as run:
        run.client.on(full)
        run.client.add(replication_controller(3))
        await run.settle(2)
        failure = condition(run.get(REPLICATION_CONTROLLERS, "old"), "ReplicaFailure")
        assert failure is not None
        assert (failure["status"], failure["reason"]) == ("True", "FailedCreate")
        assert "exceeded quota" in failure["message"]
        await run.client.patch(REPLICATION_CONTROLLERS, "old", {"spec": {"replicas": 2}}, namespace=NS)
        await run.settle(2)
        owner = run.get(REPLICATION_CONTROLLERS, "old")
        assert condition(owner, "ReplicaFailure") is None
        assert owner["status"]["replicas"] == len({name_of(each) for each in run.pods()}) == 2
