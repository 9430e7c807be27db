"""What comparing with a running kube-apiserver, request by request, has brought to light."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import BadRequest, Invalid, NotAcceptable
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

CORE = "/api/v1/namespaces/default"
DRY = {"dryRun": "All"}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        yield server.assembly.local(ADMIN, agent="test")


async def made(api: LocalApi, path: str, body: dict[str, Any]) -> Any:
    return codec.decode(joined(await api.call("POST", path, DRY, body=body)))


async def causes(api: LocalApi, path: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        await made(api, path, body)
    return [(cause["field"], cause["message"]) for cause in refused.value.status["details"]["causes"]]


async def test_an_owner_that_is_named_twice_counts_once(api: LocalApi) -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u", "controller": True}
    other = owner | {"uid": "v", "controller": False}
    body = {"metadata": {"name": "a", "ownerReferences": [owner, other, owner]}}
    answer = await api.call("POST", f"{CORE}/configmaps", body=body)
    assert codec.decode(joined(answer))["metadata"]["ownerReferences"] == [owner, other]
    assert [text for name, text in answer.headers if name == "Warning"] == [
        '299 - ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and '
        'may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: u"'
    ]
    patch = {"metadata": {"ownerReferences": [other, other]}}
    headers = {"content-type": "application/merge-patch+json"}
    answer = await api.call("PATCH", f"{CORE}/configmaps/a", body=patch, headers=headers)
    assert codec.decode(joined(answer))["metadata"]["ownerReferences"] == [other]
    assert "after mutating admission happens" in dict(answer.headers)["Warning"]


async def test_amounts_are_rounded_to_a_thousandth_everywhere(api: LocalApi) -> None:
    tiny = {"cpu": "0.0001m"}
    ranges = await made(
        api, f"{CORE}/limitranges", {"metadata": {"name": "a"}, "spec": {"limits": [{"type": "Pod", "max": tiny}]}}
    )
    assert ranges["spec"]["limits"][0]["max"] == {"cpu": "1m"}
    quota = await made(api, f"{CORE}/resourcequotas", {"metadata": {"name": "a"}, "spec": {"hard": tiny}})
    assert quota["spec"]["hard"] == {"cpu": "1m"}
    node = await made(api, "/api/v1/nodes", {"metadata": {"name": "a"}, "status": {"capacity": tiny}})
    assert node["status"]["capacity"] == node["status"]["allocatable"] == {"cpu": "1m"}


async def test_a_limit_range_without_a_name_is_given_one(api: LocalApi) -> None:
    for metadata in ({}, {"generateName": "a-"}):
        body = {"metadata": metadata, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}}
        assert re.fullmatch(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            (await made(api, f"{CORE}/limitranges", body))["metadata"]["name"],
        )


async def test_empty_lists_that_go_writes_are_null_but_owned(api: LocalApi) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    empty = await made(api, roles, {"metadata": {"name": "a"}, "rules": []})
    assert empty["rules"] is None
    assert empty["metadata"]["managedFields"][0]["fieldsV1"] == {"f:rules": {}}
    absent = await made(api, roles, {"metadata": {"name": "a"}})
    assert absent["rules"] is None
    assert "managedFields" not in absent["metadata"]
    assert (await made(api, f"{CORE}/limitranges", {"metadata": {"name": "a"}}))["spec"] == {"limits": None}


async def test_a_topology_that_says_nothing_is_there_already(api: LocalApi) -> None:
    body = {"metadata": {"name": "a"}, "provisioner": "a.b/c", "allowedTopologies": [{}]}
    found = await causes(api, "/apis/storage.k8s.io/v1/storageclasses", body)
    assert found == [("allowedTopologies[0].matchLabelExpressions", 'Duplicate value: ""')]


async def test_an_empty_preemption_policy_is_missing(api: LocalApi) -> None:
    body = {"metadata": {"name": "a"}, "value": 1, "preemptionPolicy": ""}
    found = await causes(api, "/apis/scheduling.k8s.io/v1/priorityclasses", body)
    assert found == [("preemptionPolicy", "Required value")]


async def test_what_could_be_a_digest_is_no_image_of_changing_content(api: LocalApi) -> None:
    await api.call("POST", f"{CORE}/serviceaccounts", body={"metadata": {"name": "default"}})
    pod = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "a" * 64}]}}
    assert (await made(api, f"{CORE}/pods", pod))["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


async def test_bytes_beyond_ascii_are_shown_as_go_shows_them(api: LocalApi) -> None:
    body = {"metadata": {"name": "a"}, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "http"}}
    found = await causes(api, f"{CORE}/secrets", body)
    assert found[0][1].endswith(r"invalid character '\u0086' looking for beginning of value")


async def test_an_answer_in_no_known_form_is_refused_before_anything_else_is_looked_at(api: LocalApi) -> None:
    form = {"accept": "application/xml"}
    for method, path, query in (
        ("GET", f"{CORE}/configmaps/none", {}),
        ("GET", f"{CORE}/configmaps", {"resourceVersionMatch": "x"}),
        ("POST", f"{CORE}/configmaps", {"dryRun": "x"}),
        ("PUT", f"{CORE}/configmaps/none", {"dryRun": "x"}),
        ("DELETE", f"{CORE}/configmaps/none", {"gracePeriodSeconds": "x"}),
    ):
        with pytest.raises(NotAcceptable):
            await api.call(method, path, query, headers=form)


async def test_selectors_and_numbers_at_their_edges(api: LocalApi) -> None:
    for number, value in enumerate(("", "b", None)):
        labels = {} if value is None else {"app": value}
        await api.call("POST", f"{CORE}/configmaps", body={"metadata": {"name": f"c{number}", "labels": labels}})
    for selector, names in (("app in ()", ["c0"]), ("app notin ()", ["c1", "c2"])):
        page = codec.decode(joined(await api.call("GET", f"{CORE}/configmaps", {"labelSelector": selector})))
        assert [item["metadata"]["name"] for item in page["items"]] == names
    with pytest.raises(BadRequest, match=r'strconv\.ParseInt: parsing "": invalid syntax'):
        await api.call("GET", f"{CORE}/configmaps", {"timeoutSeconds": ""})
    await api.call("GET", f"{CORE}/configmaps", {"limit": ""})
    with pytest.raises(BadRequest, match=r'field label "a" not supported for batchv1\.Job'):
        await api.call("GET", "/apis/batch/v1/jobs", {"fieldSelector": "a=b"})
    with pytest.raises(BadRequest, match='"name" is not a known field selector'):
        await api.call("GET", "/api/v1/persistentvolumes", {"fieldSelector": "name=b"})


async def test_a_status_update_keeps_how_often_the_template_of_a_daemon_set_changed(api: LocalApi) -> None:
    sets = "/apis/apps/v1/namespaces/default/daemonsets"
    labels = {"a": "b"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    body = {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": labels}, "template": pods}}
    await api.call("POST", sets, body=body)
    answer = codec.decode(joined(await api.call("PUT", f"{sets}/a/status", body=body)))
    assert answer["metadata"]["annotations"] == {"deprecated.daemonset.template.generation": "1"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"type": 5}, "cannot convert int64 to v1.SecretType"),
        ({"type": True}, "unrecognized type: string"),
        ({"data": {"a": 5}}, "cannot restore slice from int64"),
        ({"immutable": 5}, "unrecognized type: bool"),
        ({"metadata": {"generation": 1.5}}, "cannot convert float64 to int64"),
    ],
)
async def test_strategic_patches_of_the_wrong_type_are_refused_in_go_s_words(
    api: LocalApi, change: dict[str, Any], text: str
) -> None:
    await api.call("POST", f"{CORE}/secrets", body={"metadata": {"name": "a"}})
    headers = {"content-type": "application/strategic-merge-patch+json"}
    with pytest.raises(Invalid) as refused:
        await api.call("PATCH", f"{CORE}/secrets/a", body=change, headers=headers)
    assert refused.value.message.endswith(text)


async def test_a_service_that_has_a_port_twice_is_told_so(api: LocalApi) -> None:
    port = {"name": "a", "port": 80, "nodePort": 30123}
    body = {"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [port, port]}}
    assert [field for field, _ in await causes(api, f"{CORE}/services", body)] == [
        "spec.ports[1].name", "spec.ports[1].nodePort", "spec.ports[1]",
    ]  # fmt: skip


async def test_no_bytes_are_empty_bytes(api: LocalApi) -> None:
    made_secret = await made(api, f"{CORE}/secrets", {"metadata": {"name": "a"}, "data": {"k": None}})
    assert made_secret["data"] == {"k": ""}
    made_map = await made(api, f"{CORE}/configmaps", {"metadata": {"name": "a"}, "binaryData": {"k": None}})
    assert made_map["binaryData"] == {"k": ""}


async def test_bytes_may_be_a_list_of_numbers(api: LocalApi) -> None:
    for listed, text in (([], ""), ([104, 105], "aGk=")):
        for more in ({}, {"unknown": 1}):
            body = {"metadata": {"name": "a"}, "data": {"k": listed}, **more}
            assert (await made(api, f"{CORE}/secrets", body))["data"] == {"k": text}
    wrong: list[list[Any]] = [[256], ["x"], [-1]]
    for each in wrong:
        with pytest.raises(BadRequest):
            await made(api, f"{CORE}/secrets", {"metadata": {"name": "a"}, "data": {"k": each}})
