from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS
from cloudk8s.controllers.volume_expander import VolumeExpander
from tests.controllers.harness import NS, running

NOTE = ("ExternalExpanding", "waiting for an external controller to expand this PVC")


def claim(*, wants: str = "1Gi", has: str = "1Gi", phase: str = "Bound") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "c", "namespace": NS, "uid": "uid-c"},
        "spec": {"volumeName": "v", "resources": {"requests": {"storage": wants}}},
        "status": {"phase": phase, "capacity": {"storage": has}},
    }


def volume(owner: str = "uid-c") -> Object:
    spec = {"capacity": {"storage": "1Gi"}, "claimRef": {"name": "c", "namespace": NS, "uid": owner}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": spec}


async def test_a_claim_that_asks_for_more_is_told_who_sees_to_it() -> None:
    async with running(VolumeExpander, objects=[volume(), claim()]) as run:
        await run.settle(1)
        assert run.events("c") == []
        await run.client.patch(PERSISTENT_VOLUME_CLAIMS, "c", {"metadata": {"labels": {"a": "b"}}}, namespace=NS)
        patch = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
        await run.client.patch(PERSISTENT_VOLUME_CLAIMS, "c", patch, namespace=NS)
        await run.client.patch(PERSISTENT_VOLUME_CLAIMS, "c", {"metadata": {"labels": {"a": "c"}}}, namespace=NS)
        await run.settle(1)
        assert run.events("c") == [NOTE]
        assert run.writes(PERSISTENT_VOLUME_CLAIMS) == 3, "only the user wrote"


async def test_claims_that_are_not_bound_to_their_volume_are_left_alone() -> None:
    for objects in ([volume(), claim(wants="2Gi", phase="Pending")], [volume("other"), claim(wants="2Gi")]):
        async with running(VolumeExpander, objects=objects) as run:
            await run.settle(1)
            assert run.events("c") == []
