from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, controller_of, finalizers_of, labels_of, name_of, status_of, uid_of
from cloudk8s.client.resources import NAMESPACES, PODS, RESOURCE_CLAIM_TEMPLATES, RESOURCE_CLAIMS
from cloudk8s.controllers.resource_claim.controller import ResourceClaimController
from cloudk8s.controllers.resource_claim.making import base_name
from cloudk8s.controllers.resource_claim.upkeep import FINALIZER
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import NS, pod, running

API = "resource.k8s.io/v1"
DEVICES = {"devices": {"requests": [{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]}}


def template() -> Object:
    spec = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": DEVICES}
    return {
        "apiVersion": API, "kind": "ResourceClaimTemplate", "metadata": {"name": "gpu", "namespace": NS}, "spec": spec
    }  # fmt: skip


def claim(name: str = "shared", *, reserved: list[Object] | None = None, **metadata: Any) -> Object:
    status: Object = {"allocation": {"devices": {"results": []}}}
    if reserved:
        status["reservedFor"] = reserved
    metadata = {"name": name, "namespace": NS, "finalizers": [FINALIZER], **metadata}
    return {"apiVersion": API, "kind": "ResourceClaim", "metadata": metadata, "spec": DEVICES, "status": status}


def wanting(name: str = "web", *, node: str = "", **declared: str) -> Object:
    made = pod(name)
    made["spec"]["resourceClaims"] = [{"name": "gpu", **(declared or {"resourceClaimTemplateName": "gpu"})}]
    if node:
        made["spec"]["nodeName"] = node
    return made


def reference(consumer: Object) -> Object:
    return {"resource": "pods", "name": name_of(consumer), "uid": uid_of(consumer)}


async def test_a_claim_is_made_from_the_template_and_the_pod_is_told() -> None:
    async with running(ResourceClaimController, objects=[template(), wanting()]) as run:
        await run.settle()
        (made,) = run.client.all(RESOURCE_CLAIMS)
        assert name_of(made).startswith("web-gpu-")
        assert annotations_of(made) == {"c": "d", "resource.kubernetes.io/pod-claim-name": "gpu"}
        assert labels_of(made) == {"a": "b"}
        assert made["spec"] == DEVICES
        owner = controller_of(made)
        assert owner is not None
        assert owner["uid"] == uid_of(run.get(PODS, "web"))
        told = status_of(run.get(PODS, "web"))["resourceClaimStatuses"]
        assert told == [{"name": "gpu", "resourceClaimName": name_of(made)}]


async def test_a_claim_that_the_pod_was_not_told_of_is_found_again() -> None:
    def lose(action: Action) -> None:
        if action.subresource == "status" and action.resource == PODS and action.verb == "patch":
            raise ServiceUnavailable("gone")

    async with running(ResourceClaimController, objects=[template()]) as run:
        run.has_kubelet = False
        stop = run.client.on(lose)
        run.client.add(wanting())
        await run.settle(0.5)
        stop()
        await run.settle(5)
        (made,) = run.client.all(RESOURCE_CLAIMS)
        told = status_of(run.get(PODS, "web"))["resourceClaimStatuses"]
        assert told == [{"name": "gpu", "resourceClaimName": name_of(made)}]


async def test_a_deleted_claim_is_made_again() -> None:
    async with running(ResourceClaimController, objects=[template(), wanting()]) as run:
        await run.settle()
        (first,) = run.client.all(RESOURCE_CLAIMS)
        await run.client.delete(RESOURCE_CLAIMS, name_of(first), namespace=NS)
        await run.settle()
        (second,) = run.client.all(RESOURCE_CLAIMS)
        assert uid_of(second) != uid_of(first)
        told = status_of(run.get(PODS, "web"))["resourceClaimStatuses"]
        assert told == [{"name": "gpu", "resourceClaimName": name_of(second)}]


async def test_a_missing_template_is_an_event_and_its_coming_is_noticed() -> None:
    async with running(ResourceClaimController, objects=[wanting()]) as run:
        await run.settle(0.2)
        missing = 'resource claim template "gpu": resourceclaimtemplate.resource.k8s.io "gpu" not found'
        assert ("FailedResourceClaimCreation", f"PodResourceClaim gpu: {missing}") in run.events("web")
        run.client.add(template())
        await run.settle(0.2)
        assert len(run.client.all(RESOURCE_CLAIMS)) == 1


async def test_reservations_of_pods_that_are_gone_are_dropped_and_with_the_last_one_the_allocation() -> None:
    async with running(ResourceClaimController) as run:
        run.has_kubelet = False
        users = [run.client.add(wanting(name, node="n", resourceClaimName="shared")) for name in ("one", "two")]
        run.client.add(claim(reserved=[reference(user) for user in users]))
        await run.settle()
        assert len(status_of(run.get(RESOURCE_CLAIMS, "shared"))["reservedFor"]) == 2
        await run.end(users[0])
        await run.settle()
        assert status_of(run.get(RESOURCE_CLAIMS, "shared"))["reservedFor"] == [reference(users[1])]
        await run.set_pod(run.get(PODS, "two"), phase="Succeeded")
        await run.settle()
        kept = run.get(RESOURCE_CLAIMS, "shared")
        assert status_of(kept) == {}
        assert not finalizers_of(kept)


async def test_a_deleted_claim_goes_once_nobody_uses_it() -> None:
    async with running(ResourceClaimController, objects=[claim()]) as run:
        await run.client.delete(RESOURCE_CLAIMS, "shared", namespace=NS)
        await run.settle()
        assert run.names(RESOURCE_CLAIMS) == []


async def test_the_claim_of_a_pod_that_has_ended_goes_before_the_pod() -> None:
    async with running(ResourceClaimController, objects=[template(), wanting()]) as run:
        await run.settle()
        await run.set_pod(run.get(PODS, "web"), phase="Succeeded")
        await run.settle()
        assert run.names(RESOURCE_CLAIMS) == []
        assert run.names(PODS) == ["web"]


async def test_a_pod_with_a_node_gets_its_reservation_of_an_allocated_claim() -> None:
    async with running(ResourceClaimController, objects=[claim()]) as run:
        user = run.client.add(wanting(node="n", resourceClaimName="shared"))
        await run.settle()
        assert status_of(run.get(RESOURCE_CLAIMS, "shared"))["reservedFor"] == [reference(user)]


async def test_a_claim_of_the_same_name_that_belongs_to_another_is_not_used() -> None:
    async with running(ResourceClaimController, objects=[template(), claim("other")]) as run:
        run.has_kubelet = False
        made = wanting()
        made["status"]["resourceClaimStatuses"] = [{"name": "gpu", "resourceClaimName": "other"}]
        run.client.add(made)
        await run.client.patch(PODS, "web", {"metadata": {"labels": {"x": "y"}}}, namespace=NS)
        await run.settle()
        assert not status_of(run.get(RESOURCE_CLAIMS, "other")).get("reservedFor")


@pytest.mark.parametrize(
    ("pod_name", "claim_name", "base"),
    [
        ("web", "gpu", "web-gpu-"),
        ("p" * 30, "c" * 25, "p" * 30 + "-" + "c" * 25 + "-"),
        ("p" * 60, "c" * 30, "p" * 37 + "-" + "c" * 18),
    ],
)
def test_long_names_are_shortened_in_proportion(pod_name: str, claim_name: str, base: str) -> None:
    assert base_name(pod_name, claim_name) == base


async def test_the_api_server_takes_what_is_made(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with (
        running_api_server(settings) as server,
        running_controllers(server, ["resourceclaim-controller", "serviceaccount-controller"], clock=SystemClock()),
    ):
        client = server.client("system:test", "system:masters")
        clock = SystemClock()
        await client.create(NAMESPACES, {"metadata": {"name": "work"}})
        spec = {"spec": DEVICES}
        await client.create(RESOURCE_CLAIM_TEMPLATES, {"metadata": {"name": "gpu"}, "spec": spec}, namespace="work")
        wanted = wanting()
        wanted["spec"]["containers"][0]["resources"] = {"claims": [{"name": "gpu"}]}
        wanted["spec"]["automountServiceAccountToken"] = False
        for _ in range(100):
            if (await client.list(PODS, namespace="work")).items:
                break
            try:
                await client.create(PODS, {"metadata": {"name": "web"}, "spec": wanted["spec"]}, namespace="work")
            except Exception:  # noqa: BLE001 - its service account comes in a moment
                await clock.sleep(0.02)
        for _ in range(100):
            if told := status_of(await client.get(PODS, "web", namespace="work")).get("resourceClaimStatuses"):
                break
            await clock.sleep(0.02)
        (made,) = (await client.list(RESOURCE_CLAIMS, namespace="work")).items
        assert told == [{"name": "gpu", "resourceClaimName": name_of(made)}]
