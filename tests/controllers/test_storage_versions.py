from __future__ import annotations

from cloudk8s.client.interface import DeleteOptions, Object, Resource
from cloudk8s.client.resources import BUILT_IN, LEASES
from cloudk8s.controllers.storage_versions import StorageVersionCleaner
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient
from tests.controllers.harness import running

VERSIONS = Resource("internal.apiserver.k8s.io", "v1alpha1", "storageversions", "StorageVersion", namespaced=False)


def lease(name: str, component: str = "kube-apiserver") -> Object:
    labels = {"apiserver.kubernetes.io/identity": component}
    metadata = {"name": name, "namespace": "kube-system", "labels": labels}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}


def version(name: str, **encodings: str) -> Object:
    """Servers with underscores for dashes, and what each encodes."""
    said = [
        {"apiServerID": server, "encodingVersion": encoding, "decodableVersions": ["v1", "v1beta1"]}
        for server, encoding in encodings.items()
    ]
    api_version, kind = VERSIONS.api_version, VERSIONS.kind
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name},
        "spec": {},
        "status": {"storageVersions": said},
    }


def serving() -> FakeClient:
    return FakeClient(clock=FakeClock(), resources=(*BUILT_IN, VERSIONS))


async def test_what_a_server_said_goes_with_its_lease() -> None:
    objects = [lease("a"), lease("b"), version("apps.deployments", a="v1", b="v1beta1"), version("old", b="v1")]
    async with running(StorageVersionCleaner, client=serving(), objects=objects) as run:
        await run.settle(1)
        assert run.writes(VERSIONS) == 0
        await run.client.delete(LEASES, "b", namespace="kube-system", options=DeleteOptions())
        await run.settle(1)
        assert run.names(VERSIONS) == ["apps.deployments"]
        status = run.get(VERSIONS, "apps.deployments")["status"]
        assert [each["apiServerID"] for each in status["storageVersions"]] == ["a"]
        assert status["commonEncodingVersion"] == "v1"
        (condition,) = status["conditions"]
        assert condition["type"] == "AllEncodingVersionsEqual"
        assert (condition["status"], condition["reason"]) == ("True", "CommonEncodingVersionSet")
        assert condition["message"] == "Common encoding version set"


async def test_servers_that_never_had_a_lease_are_forgotten_and_others_may_disagree() -> None:
    objects = [lease("a"), lease("b"), lease("x", "other"), version("pods", a="v1", b="v2", x="v1", gone="v1")]
    async with running(StorageVersionCleaner, client=serving(), objects=objects) as run:
        await run.settle(1)
        status = run.get(VERSIONS, "pods")["status"]
        assert [each["apiServerID"] for each in status["storageVersions"]] == ["a", "b"]
        assert "commonEncodingVersion" not in status
        assert status["conditions"][0]["reason"] == "CommonEncodingVersionUnset"


async def test_a_lease_that_the_cache_does_not_know_yet_is_asked_for() -> None:
    client = serving()
    async with running(StorageVersionCleaner, client=client) as run:
        run.client.add(lease("new"))
        run.client.add(version("pods", new="v1"))
        await run.settle(1)
        assert run.names(VERSIONS) == ["pods"]
        assert run.writes(VERSIONS) == 0


async def test_without_storage_versions_there_is_nothing_to_do() -> None:
    async with running(StorageVersionCleaner, objects=[lease("a")]) as run:
        await run.settle(5)
        assert not [a for a in run.client.actions if a.resource.plural == "storageversions"]
