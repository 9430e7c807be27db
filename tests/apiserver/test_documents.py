"""Documents that clients keep: they ask whether theirs is still good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.handlers.following import refusal, sent

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com", "names": {"plural": "widgets", "kind": "Widget"}, "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}},
        ],
    },
}  # fmt: skip


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/api", AGGREGATED), ("/apis", AGGREGATED), ("/openapi/v2", "application/json"), ("/openapi/v3/api/v1", "*/*")],
)
async def test_what_has_not_changed_is_not_sent_again(server: RunningApiServer, path: str, accept: str) -> None:
    first = await sent(server, "GET", path, accept=accept)
    tag = dict(first.headers)["ETag"]
    again = await sent(server, "GET", path, accept=accept, if_none_match=tag)
    assert (again.status, again.body) == (304, b"")
    assert (await sent(server, "GET", path, accept=accept, if_none_match='"other"')).status == 200


@pytest.mark.parametrize("path", ["/api", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/openapi/v3"])
async def test_a_slash_at_the_end_does_not_matter(server: RunningApiServer, path: str) -> None:
    plain, slash = await sent(server, "GET", path), await sent(server, "GET", f"{path}/")
    assert (plain.status, slash.status) == (200, 200)
    assert refusal(plain) == refusal(slash)


async def test_a_review_is_no_table(server: RunningApiServer) -> None:
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    path, table = (
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "application/json;as=Table;v=v1;g=meta.k8s.io",
    )
    refused = await sent(server, "POST", path, body=review, accept=table)
    assert (refused.status, refusal(refused)["reason"]) == (406, "NotAcceptable")


async def test_a_new_definition_changes_them(server: RunningApiServer) -> None:
    before = dict((await sent(server, "GET", "/apis", accept=AGGREGATED)).headers)["ETag"]
    await sent(server, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body=DEFINITION)
    async with asyncio.timeout(10):
        while server.core.registry.lookup("example.com", "v1", "widgets") is None:
            await asyncio.sleep(0)
    after = await sent(server, "GET", "/apis", accept=AGGREGATED, if_none_match=before)
    assert after.status == 200
    groups = [item["metadata"]["name"] for item in refusal(after)["items"]]
    assert "example.com" in groups
    paths = refusal(await sent(server, "GET", "/openapi/v3"))["paths"]
    assert "apis/example.com/v1" in paths


async def test_an_outdated_hash_leads_to_the_new_document(server: RunningApiServer) -> None:
    url = refusal(await sent(server, "GET", "/openapi/v3"))["paths"]["api/v1"]["serverRelativeURL"]
    good = await sent(server, "GET", url)
    assert (good.status, dict(good.headers)["Cache-Control"]) == (200, "public, immutable")
    moved = await sent(server, "GET", "/openapi/v3/api/v1", {"hash": "OLD"})
    assert (moved.status, dict(moved.headers)["Location"]) == (301, url)


async def test_a_server_starts_with_what_clusters_rely_on(server: RunningApiServer) -> None:
    async def read(path: str) -> dict[str, object]:
        answer = await sent(server, "GET", path)
        assert answer.status == 200, path
        found: dict[str, object] = codec.decode(
            answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        )
        return found

    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        await read(f"/api/v1/namespaces/{name}")
    service = await read("/api/v1/namespaces/default/services/kubernetes")
    assert service["spec"]["clusterIP"] == "10.96.0.1"  # type: ignore[index]
    slices = await read("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes")
    assert slices["ports"][0]["port"] == server.port  # type: ignore[index]
    await read("/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
    await read("/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1")
    for role in ("cluster-admin", "admin", "edit", "view", "system:node", "system:kube-scheduler"):
        await read(f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{role}")
    for level in ("system-node-critical", "system-cluster-critical"):
        await read(f"/apis/scheduling.k8s.io/v1/priorityclasses/{level}")
