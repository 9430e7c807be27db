"""Requests through the whole server, and what upstream says or shows in corners that clients see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.resource import Object
from cloudk8s.apiserver import patience
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.http.interface import Response
from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import BadRequest, Invalid, NotFound, StatusError, Timeout, UnsupportedMediaType
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings

ADMIN = UserInfo("system:test", groups=("system:masters", "system:authenticated"))
MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        api = server.assembly.local(ADMIN, agent="test")
        await api.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
        yield api


def tree(response: Response) -> Any:
    return codec.decode(joined(response))


def warnings(response: Response) -> list[str]:
    return [value for name, value in response.headers if name == "Warning"]


def pod(name: str) -> Object:
    containers = [{"name": "main", "image": "i", "resources": {"requests": {"cpu": "1"}}}]
    meta = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers}}


async def test_deprecated_resources_warn_where_they_answer(api: LocalApi) -> None:
    listed = await api.call("GET", "/api/v1/namespaces/default/endpoints")
    assert warnings(listed) == ['299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"']
    assert warnings(await api.call("GET", "/api/v1/componentstatuses"))[0].endswith('deprecated in v1.19+"')
    assert not warnings(await api.call("GET", MAPS))


async def test_the_store_is_a_component(api: LocalApi) -> None:
    path = "/api/v1/componentstatuses"
    (item,) = tree(await api.call("GET", path))["items"]
    assert item["conditions"] == [{"type": "Healthy", "status": "True", "message": "ok"}]
    assert tree(await api.call("GET", f"{path}/etcd-0"))["kind"] == "ComponentStatus"
    accept = {"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    (row,) = tree(await api.call("GET", path, headers=accept))["rows"]
    assert row["cells"][:2] == ["etcd-0", "Healthy"]
    with pytest.raises(NotFound, match='componentstatuses "x" not found'):
        await api.call("GET", f"{path}/x")


async def test_a_timeout_has_to_be_a_duration(api: LocalApi) -> None:
    await api.call("GET", MAPS, {"timeout": "32s"})
    with pytest.raises(BadRequest, match='specified in the request URL - time: invalid duration "abc"'):
        await api.call("GET", MAPS, {"timeout": "abc"})


async def test_what_takes_too_long_is_given_up(api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(type(api._core.store), "write", never)
    with pytest.raises(Timeout, match="did not complete within requested timeout - context deadline exceeded"):
        await api.call("POST", MAPS, {"timeout": "20ms"}, body={"metadata": {"name": "late"}})
    monkeypatch.setattr(patience, "LONGEST", 0.02)
    for timeout in ("0s", "1h"):
        with pytest.raises(Timeout):
            await api.call("DELETE", "/api/v1/namespaces/default/serviceaccounts/default", {"timeout": timeout})


async def test_patches_of_built_in_kinds_have_to_name_their_type(api: LocalApi) -> None:
    with pytest.raises(UnsupportedMediaType, match="415: Unsupported Media Type"):
        await api.call("PATCH", f"{MAPS}/a", body={})


async def test_a_patch_cannot_change_the_uid(api: LocalApi) -> None:
    await api.call("POST", MAPS, body={"metadata": {"name": "a"}})
    with pytest.raises(Invalid, match=r'metadata\.uid: Invalid value: "x": field is immutable'):
        await api.call("PATCH", f"{MAPS}/a", body={"metadata": {"uid": "x"}}, headers=MERGE)


async def test_unknown_health_checks_are_no_page(api: LocalApi) -> None:
    with pytest.raises(StatusError, match="404 page not found"):
        await api.call("GET", "/readyz/nope")


async def test_a_put_can_create_a_service(api: LocalApi) -> None:
    body = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    made = await api.call("PUT", "/api/v1/namespaces/default/services/web", body=body)
    assert made.status == 201
    assert tree(made)["spec"]["clusterIP"]


async def test_jobs_warn_that_they_leave_their_pods(api: LocalApi) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    for name in ("a", "b"):
        await api.call("POST", jobs, body={"metadata": {"name": name}, "spec": {"template": template}})
    assert "child pods are preserved by default" in warnings(await api.call("DELETE", f"{jobs}/a"))[0]
    assert not warnings(await api.call("DELETE", f"{jobs}/b", {"propagationPolicy": "Background"}))


async def test_a_resize_counts_as_a_generation(api: LocalApi) -> None:
    await api.call("POST", PODS, body=pod("web"))
    change = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "2"}}}]}}
    strategic = {"content-type": "application/strategic-merge-patch+json"}
    resized = tree(await api.call("PATCH", f"{PODS}/web/resize", body=change, headers=strategic))
    assert resized["metadata"]["generation"] == 2
    assert "initContainers" not in resized["spec"]


async def test_old_evictions_are_taken(api: LocalApi) -> None:
    await api.call("POST", PODS, body=pod("web"))
    eviction = {"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": "web"}}
    assert (await api.call("POST", f"{PODS}/web/eviction", body=eviction)).status == 201
    with pytest.raises(NotFound):
        api.get(f"{PODS}/web")


async def test_a_collection_is_shown_as_it_was_when_it_went(api: LocalApi) -> None:
    await api.call("POST", PODS, body=pod("web"))
    (item,) = tree(await api.call("DELETE", PODS, {"gracePeriodSeconds": "0"}))["items"]
    assert item["metadata"]["generation"] == 1
    assert "deletionTimestamp" not in item["metadata"]


async def test_what_leaves_a_selection_is_shown_as_it_was_there(api: LocalApi) -> None:
    seen: list[tuple[str, Object, int]] = []
    watch, _ = api.watch(PODS, lambda *change: seen.append(change), label_selector="app=web")
    await api.call("POST", PODS, body=pod("web"))
    left = tree(await api.call("PATCH", f"{PODS}/web", body={"metadata": {"labels": {"app": "x"}}}, headers=MERGE))
    watch.close()
    assert [kind for kind, *_ in seen] == ["ADDED", "DELETED"]
    metadata = seen[1][1]["metadata"]
    assert metadata["labels"] == {"app": "web"}
    assert metadata["resourceVersion"] == left["metadata"]["resourceVersion"] == str(seen[1][2])


TABLE = {"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}


async def test_rows_carry_what_is_asked_for_of_one_object_too(api: LocalApi) -> None:
    await api.call("POST", MAPS, body={"metadata": {"name": "conf"}, "data": {"a": "1"}})
    for path in (MAPS, f"{MAPS}/conf"):
        (row,) = tree(await api.call("GET", path, {"includeObject": "None"}, headers=TABLE))["rows"]
        assert row["object"] is None
        (row,) = tree(await api.call("GET", path, {"includeObject": "Object"}, headers=TABLE))["rows"]
        assert row["object"]["data"] == {"a": "1"}
        with pytest.raises(
            BadRequest, match="includeObject: Invalid value: \"Bad\": must be 'Metadata', 'Object', 'None'"
        ):
            await api.call("GET", path, {"includeObject": "Bad"}, headers=TABLE)


async def test_failed_pods_are_marked_in_tables(api: LocalApi) -> None:
    await api.call("POST", PODS, body=pod("web"))
    await api.call("PATCH", f"{PODS}/web/status", body={"status": {"phase": "Failed"}}, headers=MERGE)
    (row,) = tree(await api.call("GET", PODS, headers=TABLE))["rows"]
    assert row["conditions"][0]["message"] == "The pod failed."


async def test_rows_of_daemon_sets_leave_out_the_count_of_templates(api: LocalApi) -> None:
    path, template = "/apis/apps/v1/namespaces/default/daemonsets", pod("web")
    meta, spec = {"labels": {"app": "web"}}, template["spec"]["containers"]
    for name, notes in (("plain", {}), ("noted", {"a": "b"})):
        body = {
            "selector": {"matchLabels": meta["labels"]},
            "template": {"metadata": meta, "spec": {"containers": spec}},
        }
        await api.call("POST", path, body={"metadata": {"name": name, "annotations": notes}, "spec": body})
    noted, plain = tree(await api.call("GET", path, headers=TABLE))["rows"]
    assert noted["object"]["metadata"]["annotations"] == {"a": "b"}
    assert "annotations" not in plain["object"]["metadata"]
    stored = tree(await api.call("GET", f"{path}/plain"))["metadata"]["annotations"]
    assert stored == {"deprecated.daemonset.template.generation": "1"}


async def test_the_list_of_groups_answers_any_method(api: LocalApi) -> None:
    assert tree(await api.call("PUT", "/apis", body={}))["kind"] == "APIGroupList"
    with pytest.raises(StatusError, match="the server does not allow this method"):
        await api.call("PUT", "/api", body={})


async def test_a_patched_object_of_another_kind_is_refused_for_what_that_kind_would_not_be(api: LocalApi) -> None:
    await api.call("POST", MAPS, body={"metadata": {"name": "conf"}, "data": {"a": "1"}})
    for kind, problem in (("Secret", "illegal base64 data at input byte 0"), ("Nope", 'no kind "Nope" is registered')):
        with pytest.raises(Invalid, match=problem):
            await api.call("PATCH", f"{MAPS}/conf", body={"kind": kind}, headers=MERGE)


async def test_a_refused_scale_is_shown_with_its_managers(api: LocalApi) -> None:
    path, template = "/apis/apps/v1/namespaces/default/deployments", pod("web")
    selected = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": template["spec"]["containers"]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": selected}
    await api.call("POST", path, body={"metadata": {"name": "web"}, "spec": spec})
    with pytest.raises(Invalid, match=r"f:spec.{4,9}f:replicas.* cannot unmarshal string"):
        await api.call("PATCH", f"{path}/web/scale", body={"spec": {"replicas": "x"}}, headers=MERGE)
    scaled = tree(await api.call("PATCH", f"{path}/web/scale", body={"spec": {"replicas": 3}}, headers=MERGE))
    assert scaled["spec"] == {"replicas": 3}


async def test_a_nameless_pull_secret_does_not_cost_a_pod_its_managers(api: LocalApi) -> None:
    body = pod("web")
    body["spec"]["imagePullSecrets"] = [{}]
    (entry,) = tree(await api.call("POST", PODS, body=body))["metadata"]["managedFields"]
    assert entry["fieldsV1"]["f:spec"]["f:imagePullSecrets"] == {".": {}, 'k:{"name":""}': {}}


async def test_an_empty_field_is_selected_by_its_emptiness(api: LocalApi) -> None:
    await api.call("POST", PODS, body=pod("waits"))
    await api.call("POST", PODS, body=pod("placed") | {"spec": {**pod("placed")["spec"], "nodeName": "n"}})
    found = {selector: api.list(PODS, field_selector=selector)[0] for selector in ("spec.nodeName=", "spec.nodeName!=")}
    names = {selector: [each["metadata"]["name"] for each in items] for selector, items in found.items()}
    assert names == {"spec.nodeName=": ["waits"], "spec.nodeName!=": ["placed"]}
