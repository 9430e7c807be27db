from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, labels_of, name_of, owner_references_of, uid_of
from cloudk8s.client.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from cloudk8s.controllers.stateful_set.controller import StatefulSetController
from tests.controllers.harness import NS, Harness, pod, running, stateful_set

REVISION = "controller-revision-hash"


def status(run: Harness, name: str = "db") -> Object:
    found: Object = run.get(STATEFUL_SETS, name)["status"]
    return found


def images(run: Harness) -> dict[str, str]:
    return {name_of(item): item["spec"]["containers"][0]["image"] for item in run.pods()}


async def set_image(run: Harness, image: str) -> None:
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}}
    await run.client.patch(STATEFUL_SETS, "db", patch, namespace=NS, type="strategic")


async def change(run: Harness, **spec: Any) -> None:
    await run.client.patch(STATEFUL_SETS, "db", {"spec": spec}, namespace=NS)


def created(run: Harness) -> list[str]:
    return [a.name for a in run.client.actions if a.verb == "create" and a.resource == PODS]


def deleted(run: Harness) -> list[str]:
    """Deletions by the controller: the kubelet of the tests gives a grace period of zero."""
    actions = [a for a in run.client.actions if a.verb == "delete" and a.resource == PODS]
    return [a.name for a in actions if a.body.grace_period_seconds is None]


async def test_pods_have_a_name_a_place_and_a_revision() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2)]) as run:
        await run.settle()
        owner = run.get(STATEFUL_SETS, "db")
        first = run.get(PODS, "db-0")
        (revision,) = run.client.all(CONTROLLER_REVISIONS)
        assert labels_of(first) == {
            "app": "db", "statefulset.kubernetes.io/pod-name": "db-0", "apps.kubernetes.io/pod-index": "0",
            REVISION: name_of(revision),
        }  # fmt: skip
        assert (first["spec"]["hostname"], first["spec"]["subdomain"]) == ("db-0", "db")
        assert controller_of(first) == {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": uid_of(owner),
            "controller": True, "blockOwnerDeletion": True,
        }  # fmt: skip
        assert owner["status"] == {
            "observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2,
            "availableReplicas": 2, "collisionCount": 0,
            "currentRevision": name_of(revision), "updateRevision": name_of(revision),
        }  # fmt: skip
        assert run.events("db") == [
            ("SuccessfulCreate", "create Pod db-0 in StatefulSet db successful"),
            ("SuccessfulCreate", "create Pod db-1 in StatefulSet db successful"),
        ]


async def test_a_revision_holds_the_patch_that_restores_it() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 1)]) as run:
        await run.settle()
        (revision,) = run.client.all(CONTROLLER_REVISIONS)
        template = run.get(STATEFUL_SETS, "db")["spec"]["template"]
        assert revision["data"] == {"spec": {"template": {**template, "$patch": "replace"}}}
        assert revision["revision"] == 1
        suffix = labels_of(revision)["controller.kubernetes.io/hash"]
        assert name_of(revision) == f"db-{suffix}"


async def test_ordered_pods_come_one_after_the_other_and_go_in_reverse() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 3)]) as run:
        run.has_kubelet = False
        await run.settle()
        assert run.names(PODS) == ["db-0"]
        await run.set_pod(run.get(PODS, "db-0"), ready=False)
        await run.settle()
        assert run.names(PODS) == ["db-0"]
        run.has_kubelet = True
        await run.set_pod(run.get(PODS, "db-0"))
        await run.settle(2)
        assert run.names(PODS) == ["db-0", "db-1", "db-2"]
        await change(run, replicas=1)
        await run.settle(2)
        assert run.names(PODS) == ["db-0"]
        assert (created(run), deleted(run)) == (["db-0", "db-1", "db-2"], ["db-2", "db-1"])


@pytest.mark.parametrize("size", [1, 3])
async def test_an_unready_pod_holds_up_scaling_in_both_directions(size: int) -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2)]) as run:
        await run.settle(2)
        await run.set_pod(run.get(PODS, "db-0"), ready=False)
        await change(run, replicas=size)
        await run.settle(2)
        assert run.names(PODS) == ["db-0", "db-1"]
        await run.set_pod(run.get(PODS, "db-0"))
        await run.settle(2)
        assert len(run.names(PODS)) == size


async def test_the_last_unready_pod_beyond_the_size_may_go() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2)]) as run:
        await run.settle(2)
        await run.set_pod(run.get(PODS, "db-1"), ready=False)
        await change(run, replicas=1)
        await run.settle(2)
        assert run.names(PODS) == ["db-0"]


async def test_parallel_pods_come_and_go_at_once_whatever_their_health() -> None:
    objects = [stateful_set("db", 3, podManagementPolicy="Parallel")]
    async with running(StatefulSetController, objects=objects) as run:
        run.has_kubelet = False
        await run.settle()
        assert run.names(PODS) == ["db-0", "db-1", "db-2"]
        await change(run, replicas=0)
        await run.settle()
        assert run.names(PODS) == []
        assert status(run)["replicas"] == 0


async def test_an_update_replaces_pods_from_the_highest_ordinal_down() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 3)]) as run:
        await run.settle(2)
        before = status(run)["currentRevision"]
        await set_image(run, "image:2")
        await run.settle(0.1)
        assert status(run)["updateRevision"] != before == status(run)["currentRevision"]
        await run.settle(4)
        assert deleted(run) == ["db-2", "db-1", "db-0"]
        assert set(images(run).values()) == {"image:2"}
        assert status(run)["currentRevision"] == status(run)["updateRevision"] != before
        assert (status(run)["currentReplicas"], status(run)["updatedReplicas"]) == (3, 3)


async def test_an_update_waits_for_the_pod_it_replaced() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 3)]) as run:
        await run.settle(2)
        run.bad_images.add("bad:1")
        await set_image(run, "bad:1")
        await run.settle(4)
        assert images(run) == {"db-0": "image:1", "db-1": "image:1", "db-2": "bad:1"}
        assert (status(run)["currentReplicas"], status(run)["updatedReplicas"]) == (2, 1)


async def test_going_back_takes_up_the_revision_that_was_there() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2)]) as run:
        await run.settle(2)
        first = status(run)["currentRevision"]
        await set_image(run, "image:2")
        await run.settle(3)
        await set_image(run, "image:1")
        await run.settle(3)
        assert status(run)["currentRevision"] == first
        numbers = {name_of(r): r["revision"] for r in run.client.all(CONTROLLER_REVISIONS)}
        assert sorted(numbers.values()) == [2, 3]
        assert numbers[first] == 3
        assert {labels_of(item)[REVISION] for item in run.pods()} == {first}


async def test_a_partition_keeps_lower_ordinals_at_their_revision() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 3, rolling={"partition": 2})]) as run:
        await run.settle(2)
        await set_image(run, "image:2")
        await run.settle(2)
        assert images(run) == {"db-0": "image:1", "db-1": "image:1", "db-2": "image:2"}
        for name in ("db-0", "db-2"):
            await run.client.delete(PODS, name, namespace=NS)
        await run.settle(2)
        assert images(run) == {"db-0": "image:1", "db-1": "image:1", "db-2": "image:2"}
        await change(run, updateStrategy={"rollingUpdate": {"partition": 1}})
        await run.settle(2)
        assert images(run) == {"db-0": "image:1", "db-1": "image:2", "db-2": "image:2"}
        assert status(run)["currentRevision"] != status(run)["updateRevision"]
        await change(run, updateStrategy={"rollingUpdate": {"partition": 0}})
        await run.settle(2)
        assert status(run)["currentRevision"] == status(run)["updateRevision"]


async def test_several_pods_may_be_replaced_at_once() -> None:
    objects = [stateful_set("db", 5, rolling={"maxUnavailable": 2}, podManagementPolicy="Parallel")]
    async with running(StatefulSetController, objects=objects) as run:
        await run.settle(2)
        run.has_kubelet = False
        await set_image(run, "image:2")
        await run.settle()
        assert sorted(deleted(run)) == ["db-3", "db-4"]
        run.has_kubelet = True
        await run.settle(3)
        assert set(images(run).values()) == {"image:2"}


async def test_pods_that_are_down_are_replaced_whatever_may_be_unavailable() -> None:
    objects = [stateful_set("db", 4, rolling={"maxUnavailable": 2}, podManagementPolicy="Parallel")]
    async with running(StatefulSetController, objects=objects) as run:
        run.has_kubelet = False
        await run.settle()
        await set_image(run, "image:2")
        await run.settle()
        assert sorted(deleted(run)) == ["db-0", "db-1", "db-2", "db-3"]


async def test_on_delete_updates_only_what_others_delete() -> None:
    objects = [stateful_set("db", 2, updateStrategy={"type": "OnDelete"})]
    async with running(StatefulSetController, objects=objects) as run:
        await run.settle(2)
        await set_image(run, "image:2")
        await run.settle(2)
        assert deleted(run) == []
        await run.client.delete(PODS, "db-0", namespace=NS)
        await run.settle(2)
        assert images(run) == {"db-0": "image:2", "db-1": "image:1"}


async def test_ordinals_may_start_elsewhere() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2, ordinals={"start": 5})]) as run:
        await run.settle(2)
        assert run.names(PODS) == ["db-5", "db-6"]
        await change(run, ordinals={"start": 6})
        await run.settle(3)
        assert run.names(PODS) == ["db-6", "db-7"]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_a_pod_that_ended_is_made_again(phase: str) -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2)]) as run:
        await run.settle(2)
        before = uid_of(run.get(PODS, "db-0"))
        await run.set_pod(run.get(PODS, "db-0"), phase=phase)
        await run.settle(2)
        assert uid_of(run.get(PODS, "db-0")) != before
        word = {"Failed": ("RecreatingFailedPod", "failed"), "Succeeded": ("RecreatingTerminatedPod", "terminated")}
        reason, how = word[phase]
        assert (reason, f"StatefulSet default/db is recreating {how} Pod db-0") in run.events("db")


async def test_pods_become_available_after_min_ready_seconds() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 2, minReadySeconds=10)]) as run:
        await run.settle(5)
        assert run.names(PODS) == ["db-0"]
        assert (status(run)["readyReplicas"], status(run)["availableReplicas"]) == (1, 0)
        await run.settle(7)
        assert run.names(PODS) == ["db-0", "db-1"]
        await run.settle(11)
        assert status(run)["availableReplicas"] == 2


async def test_orphans_with_a_members_name_are_adopted_and_named() -> None:
    orphan = pod("db-0", labels={"app": "db"})
    async with running(
        StatefulSetController, objects=[orphan, pod("db-x", labels={"app": "db"}), stateful_set("db", 1)]
    ) as run:
        await run.settle(2)
        adopted = run.get(PODS, "db-0")
        assert controller_of(adopted) is not None
        assert labels_of(adopted)["statefulset.kubernetes.io/pod-name"] == "db-0"
        assert controller_of(run.get(PODS, "db-x")) is None


async def test_history_beyond_the_limit_goes() -> None:
    async with running(StatefulSetController, objects=[stateful_set("db", 1, revisionHistoryLimit=1)]) as run:
        await run.settle()
        for number in range(2, 6):
            await set_image(run, f"image:{number}")
            await run.settle(2)
        assert sorted(r["revision"] for r in run.client.all(CONTROLLER_REVISIONS)) == [4, 5]


CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


def with_claims(deleted: str = "Retain", scaled: str = "Retain", replicas: int = 2) -> Object:
    policy = {"whenDeleted": deleted, "whenScaled": scaled}
    return stateful_set("db", replicas, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)


async def test_each_pod_gets_its_claims_and_finds_them_again() -> None:
    async with running(StatefulSetController, objects=[with_claims()]) as run:
        await run.settle(2)
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == ["data-db-0", "data-db-1"]
        claim = run.get(PERSISTENT_VOLUME_CLAIMS, "data-db-0")
        assert labels_of(claim) == {"app": "db"}
        assert owner_references_of(claim) == ()
        volumes = run.get(PODS, "db-0")["spec"]["volumes"]
        assert volumes == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]
        assert ("SuccessfulCreate", "create Claim data-db-0 Pod db-0 in StatefulSet db success") in run.events("db")
        await change(run, replicas=1)
        await run.settle(2)
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == ["data-db-0", "data-db-1"]


@pytest.mark.parametrize(
    ("when_deleted", "when_scaled", "in_use", "scaled_down"),
    [
        ("Retain", "Retain", "", ""),
        ("Delete", "Retain", "StatefulSet", "StatefulSet"),
        ("Retain", "Delete", "", "Pod"),
        ("Delete", "Delete", "StatefulSet", "Pod"),
    ],
)
async def test_the_retention_policy_decides_who_owns_claims(
    when_deleted: str, when_scaled: str, in_use: str, scaled_down: str
) -> None:
    def owner(run: Harness, claim: str) -> str:
        return "".join(item["kind"] for item in owner_references_of(run.get(PERSISTENT_VOLUME_CLAIMS, claim)))

    async with running(StatefulSetController, objects=[with_claims(when_deleted, when_scaled)]) as run:
        await run.settle(2)
        assert owner(run, "data-db-1") == in_use
        await change(run, replicas=1)
        await run.settle(2)
        assert run.names(PODS) == ["db-0"]
        assert owner(run, "data-db-1") == scaled_down
        assert owner(run, "data-db-0") == in_use


async def test_a_pod_waits_for_the_claim_of_its_predecessor_to_go() -> None:
    async with running(StatefulSetController, objects=[with_claims("Retain", "Delete")]) as run:
        await run.settle(2)
        await change(run, replicas=1)
        await run.settle(2)
        await change(run, replicas=2)
        await run.settle(2)
        assert run.names(PODS) == ["db-0"], "the claim still belongs to the db-1 that was"
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "data-db-1", namespace=NS)
        await change(run, template={"metadata": {"annotations": {"a": "b"}}})
        await run.settle(5)
        assert run.names(PODS) == ["db-0", "db-1"]


async def test_a_set_that_is_being_deleted_only_counts() -> None:
    owner = stateful_set("db", 2)
    owner["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}
    async with running(StatefulSetController, objects=[owner]) as run:
        await run.settle()
        assert run.names(PODS) == []
        assert status(run)["replicas"] == 0
