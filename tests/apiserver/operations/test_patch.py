"""Patches leave alone what they do not touch, and share nothing that could change behind someone's back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import StatusError
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

PODS = "/api/v1/namespaces/default/pods"
MERGE, JSON, STRATEGIC = (
    {"content-type": f"application/{kind}+json"} for kind in ("merge-patch", "json-patch", "strategic-merge-patch")
)
POD = {
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "nginx"}], "automountServiceAccountToken": False},
}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        local = server.assembly.local(ADMIN, agent="test")
        await local.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
        await local.call("POST", PODS, body=POD)
        yield local


async def patch(api: LocalApi, body: Any, headers: dict[str, str], subresource: str = "") -> dict[str, Any]:
    answer = await api.call("PATCH", f"{PODS}/web{subresource}", body=body, headers=headers)
    obj: dict[str, Any] = codec.decode(joined(answer))
    return obj


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (MERGE, {"metadata": {"labels": {"tier": "front"}}}),
        (STRATEGIC, {"metadata": {"labels": {"tier": "front"}}}),
        (JSON, [{"op": "add", "path": "/metadata/labels/tier", "value": "front"}]),
    ],
)
async def test_a_patch_of_metadata_changes_nothing_else(api: LocalApi, headers: dict[str, str], body: Any) -> None:
    before = codec.copy(api.get(f"{PODS}/web"))
    answer = await patch(api, body, headers)
    assert answer["metadata"]["labels"] == {"app": "web", "tier": "front"}
    assert list(answer) == ["kind", "apiVersion", "metadata", "spec", "status"]
    assert (answer["spec"], answer["status"]) == (before["spec"], before["status"])
    assert api.get(f"{PODS}/web") == answer


async def test_what_was_read_before_a_patch_stays_as_it_was(api: LocalApi) -> None:
    held = api.get(f"{PODS}/web")
    before = codec.copy(held)
    await patch(api, {"status": {"phase": "Running", "podIP": "10.0.0.1"}}, MERGE, "/status")
    await patch(api, {"metadata": {"annotations": {"a": "1"}}}, MERGE)
    await patch(api, {"spec": {"activeDeadlineSeconds": 5}}, MERGE)
    assert held == before


async def test_a_status_patch_brings_its_status_into_form_and_keeps_the_spec(api: LocalApi) -> None:
    body = {"spec": {"nodeName": "elsewhere"}, "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00+00:00"}}
    answer = await patch(api, body, MERGE, "/status")
    assert answer["status"]["startTime"] == "2026-01-01T00:00:00Z"
    assert "nodeName" not in answer["spec"]


async def test_a_status_patch_leaves_the_managers_of_the_rest_alone(api: LocalApi) -> None:
    await patch(api, {"status": {"message": "one"}}, MERGE, "/status")
    answer = await patch(api, {"status": {"message": "two"}}, MERGE, "/status")
    entries = answer["metadata"]["managedFields"]
    assert [entry.get("subresource", "") for entry in entries] == ["", "status"]
    assert entries[1]["fieldsV1"] == {"f:status": {"f:message": {}}}
    assert "f:spec" in entries[0]["fieldsV1"]


async def test_a_patch_can_forget_all_managers(api: LocalApi) -> None:
    answer = await patch(api, {"metadata": {"managedFields": [{}]}}, MERGE)
    assert "managedFields" not in answer["metadata"]


async def test_a_wrong_type_in_a_touched_part_is_refused(api: LocalApi) -> None:
    with pytest.raises(StatusError) as refusal:
        await patch(api, {"status": {"phase": 5}}, MERGE, "/status")
    assert refusal.value.code == 422
