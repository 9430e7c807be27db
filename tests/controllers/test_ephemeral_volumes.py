from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import controller_of, labels_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from cloudk8s.controllers.ephemeral_volumes import EphemeralVolumeController
from cloudk8s.errors import Forbidden
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, pod, running


def with_scratch() -> Object:
    made = pod("web")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    made["spec"]["volumes"] = [
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": template}},
        {"name": "other", "emptyDir": {}},
    ]
    return made


async def test_a_claim_is_made_that_belongs_to_the_pod() -> None:
    async with running(EphemeralVolumeController, objects=[with_scratch()]) as run:
        await run.settle()
        (claim,) = run.client.all(PERSISTENT_VOLUME_CLAIMS)
        assert claim["metadata"]["name"] == "web-scratch"
        assert labels_of(claim) == {"a": "b"}
        assert claim["spec"] == {"accessModes": ["ReadWriteOnce"]}
        reference = controller_of(claim)
        assert reference is not None
        assert reference["uid"] == uid_of(run.get(PODS, "web"))
        await run.client.delete(PERSISTENT_VOLUME_CLAIMS, "web-scratch", namespace=NS)
        await run.settle()
        assert run.names(PERSISTENT_VOLUME_CLAIMS) == ["web-scratch"]


async def test_a_claim_of_somebody_else_is_not_touched() -> None:
    metadata = {"name": "web-scratch", "namespace": NS}
    claim: Object = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": {}}
    async with running(EphemeralVolumeController, objects=[claim, with_scratch()]) as run:
        await run.settle()
        assert controller_of(run.get(PERSISTENT_VOLUME_CLAIMS, "web-scratch")) is None
        message = "PVC default/web-scratch was not created for pod default/web (pod is not owner)"
        assert ("FailedBinding", f"ephemeral volume scratch: {message}") in run.events("web")


async def test_a_refusal_is_an_event_on_the_pod() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "create" and action.resource == PERSISTENT_VOLUME_CLAIMS:
            raise Forbidden("exceeded quota")

    async with running(EphemeralVolumeController) as run:
        run.client.on(refuse)
        run.client.add(with_scratch())
        await run.settle()
        message = "ephemeral volume scratch: create PVC web-scratch: exceeded quota"
        assert ("FailedBinding", message) in run.events("web")
