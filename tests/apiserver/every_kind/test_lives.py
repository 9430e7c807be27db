"""Every kind that is stored is made, read, listed, watched, changed in every way, shown as a table, and deleted."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloudk8s.api.registry import load_registry
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.http.interface import Response
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.settings import ClusterSettings
from tests.apiserver.every_kind.smallest import NAMES, STATUSES, smallest
from tests.apiserver.handlers.following import Watching, refusal, sent, watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = [item for item in load_registry().resources() if "update" in item.verbs]
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
PATCHES: dict[str, Any] = {
    "application/merge-patch+json": {"metadata": {"annotations": {"merge": "1"}}},
    "application/strategic-merge-patch+json": {"metadata": {"annotations": {"strategic": "1"}}},
    "application/json-patch+json": [
        {"op": "test", "path": "/metadata/labels/audience", "value": "all"},
        {"op": "add", "path": "/metadata/annotations/json", "value": "1"},
    ],
}


KEEPS_METADATA = {
    "apiservices", "flowschemas", "prioritylevelconfigurations", "resourceclaims", "validatingadmissionpolicies",
    "volumeattachments",
}  # fmt: skip
"""Where upstream takes no metadata from those who write the status."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningApiServer]:
    settings = ClusterSettings(data_dir=tmp_path_factory.mktemp("server"), port=0, store="memory://")
    async with running_api_server(settings) as running:
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        assert (await sent(running, "POST", accounts, body={"metadata": {"name": "default"}})).status == 201
        yield running


@pytest.fixture(scope="module")
def request_of_a_certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = made.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


class Collection:
    """The objects of one kind in one place."""

    def __init__(self, server: RunningApiServer, resource: ResourceType, request: str) -> None:
        self.resource = resource
        root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
        self.everywhere = f"{root}/{resource.plural}"
        self.path = f"{root}/namespaces/default/{resource.plural}" if resource.namespaced else self.everywhere
        self.name = NAMES.get(resource.plural, "one")
        self._server, self._request = server, request

    def body(self, **metadata: Any) -> dict[str, Any]:
        labels: dict[str, Any] = {"labels": {"audience": "all"}}
        return {
            "apiVersion": self.resource.api_version, "kind": self.resource.kind,
            "metadata": {"name": self.name, **labels, **metadata},
            **smallest(self.resource.group, self.resource.plural, self._request),
        }  # fmt: skip

    async def send(
        self, method: str, tail: str = "", body: Any = None, code: int = 200, path: str = "", query: str = "",
        **headers: Any,
    ) -> Any:  # fmt: skip
        target = (path or self.path) + tail + (f"?{query}" if query else "")
        answer: Response = await sent(self._server, method, target, body=body, **headers)
        found = refusal(answer)
        assert answer.status == code, (method, target, found)
        return found

    async def listed(self, path: str = "") -> list[str]:
        found = await self.send("GET", path=path, query="labelSelector=audience%3Dall")
        return [item["metadata"]["uid"] for item in found["items"]]

    async def watch(self, version: str) -> Watching:
        return await watch(self._server, self.path, resourceVersion=version, labelSelector="audience=all")


@pytest.fixture(params=KINDS, ids=[f"{item.plural}.{item.group or 'core'}.{item.version}" for item in KINDS])
def collection(request: pytest.FixtureRequest, server: RunningApiServer, request_of_a_certificate: str) -> Collection:
    return Collection(server, request.param, request_of_a_certificate)


async def test_a_life(collection: Collection) -> None:
    version = (await collection.send("GET"))["metadata"]["resourceVersion"]
    following = await collection.watch(version)
    made = await collection.send("POST", body=collection.body(annotations={"a": "b"}), code=201)
    one, uid = f"/{collection.name}", made["metadata"]["uid"]
    assert made["metadata"]["resourceVersion"].isdecimal()
    assert _holds(made, collection.body(annotations={"a": "b"}))
    again = await collection.send("POST", body=collection.body(), code=409)
    assert again["reason"] == "AlreadyExists"
    assert await collection.send("GET", one) == made
    assert await collection.listed() == await collection.listed(collection.everywhere) == [uid]
    table = await collection.send("GET", accept=TABLE, query="labelSelector=audience%3Dall")
    assert [collection.name in row["cells"] for row in table["rows"]] == [True]
    assert len(table["rows"][0]["cells"]) == len(table["columnDefinitions"])
    changed = await _changed(collection, one)
    await _replaced(collection, one, changed, stale=made)
    await _applied(collection, one)
    assert int(changed["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"]) > int(version)
    await _deleted(collection, one, uid)
    kinds = [kind for kind, _ in following.told]
    assert (kinds[0], kinds[1], kinds[-1]) == ("ADDED", "MODIFIED", "DELETED")
    assert following.events[0]["object"] == made
    following.stop()


async def _changed(collection: Collection, one: str) -> Any:
    """By every kind of patch, first as a dry run."""
    for kind, patch in PATCHES.items():
        before = await collection.send("GET", one)
        await collection.send("PATCH", one, patch, content_type=kind, query="dryRun=All")
        assert await collection.send("GET", one) == before
        await collection.send("PATCH", one, patch, content_type=kind)
    changed = await collection.send("GET", one)
    annotations = changed["metadata"]["annotations"]
    assert (annotations["merge"], annotations["strategic"], annotations["json"]) == ("1", "1", "1")
    return changed


async def _replaced(collection: Collection, one: str, changed: Any, stale: Any) -> None:
    """By an update of what was read last; one of what was read before is refused."""
    changed["metadata"]["annotations"]["updated"] = "yes"
    updated = await collection.send("PUT", one, changed)
    assert updated["metadata"]["annotations"]["updated"] == "yes"
    if collection.resource.plural != "deployments":  # their annotations are the controller's business, too
        assert updated["metadata"].get("generation") == changed["metadata"].get("generation")
    refused = await collection.send("PUT", one, stale, code=409)
    assert refused["reason"] == "Conflict"


async def _applied(collection: Collection, one: str) -> None:
    """By server-side apply, whose manager owns what it said; another one has to insist."""
    apply: dict[str, Any] = {"content_type": "application/apply-patch+yaml"}
    identity = {"apiVersion": collection.resource.api_version, "kind": collection.resource.kind}
    config: dict[str, Any] = identity | {"metadata": {"name": collection.name, "annotations": {"applied": "1"}}}
    applied = await collection.send("PATCH", one, config, query="fieldManager=one", **apply)
    managers = [item["manager"] for item in applied["metadata"]["managedFields"] if item["operation"] == "Apply"]
    assert managers == ["one"]
    config["metadata"]["annotations"]["applied"] = "2"
    refused = await collection.send("PATCH", one, config, query="fieldManager=two", code=409, **apply)
    assert refused["details"]["causes"][0]["field"] == ".metadata.annotations.applied"
    forced = await collection.send("PATCH", one, config, query="fieldManager=two&force=true", **apply)
    assert forced["metadata"]["annotations"]["applied"] == "2"


async def _deleted(collection: Collection, one: str, uid: str) -> None:
    """Not if another object is meant, not in a dry run; then for good, alone or with all that a selector finds."""
    wrong = {"preconditions": {"uid": "another"}}
    assert (await collection.send("DELETE", one, wrong, code=409))["reason"] == "Conflict"
    await collection.send("DELETE", one, query="dryRun=All")
    assert await collection.listed() == [uid]
    if collection.resource.plural == "namespaces":
        assert (await collection.send("DELETE", one))["status"]["phase"] == "Terminating"
        await collection.send("PUT", f"{one}/finalize", collection.body() | {"spec": {"finalizers": []}})
    else:
        await _let_go(collection, one)
        await collection.send("DELETE", query="labelSelector=audience%3Dall&propagationPolicy=Background")
    await _gone(collection)
    assert (await collection.send("GET", one, code=404))["reason"] == "NotFound"


async def _gone(collection: Collection) -> None:
    """A definition of custom resources goes once its objects have."""
    async with asyncio.timeout(5):
        while await collection.listed():
            await asyncio.sleep(0.001)


async def _let_go(collection: Collection, one: str) -> None:
    """Take off the finalizers that keep an object until a controller, which is not here, has seen to it."""
    patch = {"metadata": {"finalizers": None}}
    await collection.send("PATCH", one, patch, content_type="application/merge-patch+json")


async def test_its_status(collection: Collection) -> None:
    """Written by its own way only, which changes nothing else but metadata."""
    resource = collection.resource
    if "status" not in resource.subresources:
        assert f"{resource.plural}.{resource.version}" not in STATUSES
        return
    one, merge = f"/{collection.name}", "application/merge-patch+json"
    made = await collection.send("POST", body=collection.body(), code=201)
    read = await collection.send("GET", f"{one}/status")
    assert (read["kind"], read["metadata"]["uid"]) == (resource.kind, made["metadata"]["uid"])
    first, second = STATUSES[f"{resource.plural}.{resource.version}"]
    patch = {"metadata": {"annotations": {"seen": "1"}}, "spec": None, "status": first}
    patched = await collection.send("PATCH", f"{one}/status", patch, content_type=merge)
    assert _holds(patched["status"], first)
    assert patched.get("spec") == made.get("spec")
    assert ("annotations" not in patched["metadata"]) == (resource.plural in KEEPS_METADATA)
    updated = await collection.send("PUT", f"{one}/status", patched | {"status": patched["status"] | second})
    assert _holds(updated["status"], second)
    assert updated["metadata"].get("generation") == made["metadata"].get("generation")
    ignored = await collection.send("PATCH", one, {"status": first}, content_type=merge)
    assert _holds(ignored["status"], second)
    await _let_go(collection, one)
    await collection.send("DELETE", one, query="propagationPolicy=Background")
    if resource.plural == "namespaces":
        await collection.send("PUT", f"{one}/finalize", collection.body() | {"spec": {"finalizers": []}})
    await _gone(collection)


def _holds(found: Any, wanted: Any) -> bool:
    """Whether what was sent is there, also among what others wrote."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return all(any(_holds(item, value) for item in found or []) for value in wanted)
    return bool(found == wanted)
