from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import status_of
from cloudk8s.client.resources import VALIDATING_ADMISSION_POLICIES
from cloudk8s.controllers.policy_status import PolicyStatusController
from tests.controllers.harness import running

POLICY: Object = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "few-replicas"},
    "spec": {"validations": [{"expression": "object.spec.replicas < 5"}]},
}


async def test_every_generation_of_a_policy_is_noted_once() -> None:
    async with running(PolicyStatusController, objects=[POLICY]) as run:
        await run.settle()
        found = status_of(run.get(VALIDATING_ADMISSION_POLICIES, "few-replicas"))
        assert found == {"observedGeneration": 1, "typeChecking": {}}
        spec = {"validations": [{"expression": "true"}]}
        await run.client.patch(VALIDATING_ADMISSION_POLICIES, "few-replicas", {"spec": spec})
        await run.settle()
        assert status_of(run.get(VALIDATING_ADMISSION_POLICIES, "few-replicas"))["observedGeneration"] == 2
        assert run.writes(VALIDATING_ADMISSION_POLICIES) == 3
