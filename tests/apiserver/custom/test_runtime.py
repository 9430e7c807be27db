"""Definitions are served as soon as they are stored, and go with their objects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import Conflict, MethodNotAllowed, NotFound
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
ADMIN = UserInfo("system:test", groups=("system:masters", "system:authenticated"))


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[LocalApi]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server:
        yield server.assembly.local(ADMIN, agent="test")


def definition(plural: str = "widgets", **names: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    named = {"plural": plural, "kind": plural[:-1].capitalize()} | names
    return {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {"group": "example.com", "names": named, "scope": "Namespaced", "versions": [version]},
    }  # fmt: skip


async def call(api: LocalApi, method: str, path: str, body: Any = None) -> Any:
    response = await api.call(method, path, body=body)
    parts = response.body
    return codec.decode(parts if isinstance(parts, bytes) else b"".join(parts))


async def reached(check: Callable[[], bool]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0)


def exists(api: LocalApi, path: str) -> bool:
    try:
        api.get(path)
    except NotFound:
        return False
    return True


def served(api: LocalApi, path: str) -> bool:
    try:
        api.get(path)
    except NotFound as error:
        return "could not find the requested resource" not in error.message
    return True


async def defined(api: LocalApi, body: dict[str, Any]) -> None:
    await call(api, "POST", DEFINITIONS, body)
    path = f"/apis/example.com/v1/namespaces/default/{body['spec']['names']['plural']}/x"
    await reached(lambda: served(api, path))


def condition(api: LocalApi, name: str, type: str) -> dict[str, Any]:
    conditions = api.get(f"{DEFINITIONS}/{name}").get("status", {}).get("conditions") or []
    return next((item for item in conditions if item["type"] == type), {})


async def test_a_definition_is_established_and_its_objects_served(api: LocalApi) -> None:
    await defined(api, definition())
    assert condition(api, "widgets.example.com", "Established")["status"] == "True"
    made = await call(api, "POST", WIDGETS, {"metadata": {"name": "one"}, "spec": {"size": 1, "nope": 2}})
    assert made["spec"] == {"size": 1}
    assert made["metadata"]["generation"] == 1
    listed = await call(api, "GET", WIDGETS)
    assert (listed["kind"], [item["kind"] for item in listed["items"]]) == ("WidgetList", ["Widget"])
    discovery = await call(api, "GET", "/apis/example.com/v1")
    assert [row["name"] for row in discovery["resources"]] == ["widgets"]


async def test_a_changed_schema_is_served_at_once(api: LocalApi) -> None:
    await defined(api, definition())
    await call(api, "POST", WIDGETS, {"metadata": {"name": "one"}, "spec": {}})
    default = [
        {
            "op": "add",
            "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/default",
            "value": 3,
        }
    ]
    await api.call(
        "PATCH",
        f"{DEFINITIONS}/widgets.example.com",
        body=default,
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert (await call(api, "GET", f"{WIDGETS}/one"))["spec"] == {"size": 3}


async def test_names_that_are_taken_are_not_served_until_they_are_free(api: LocalApi) -> None:
    await defined(api, definition(shortNames=["w"]))
    await call(api, "POST", DEFINITIONS, definition("gadgets", shortNames=["w"]))
    await reached(lambda: condition(api, "gadgets.example.com", "NamesAccepted").get("status") == "False")
    assert not served(api, "/apis/example.com/v1/namespaces/default/gadgets/x")
    await call(api, "DELETE", f"{DEFINITIONS}/widgets.example.com")
    await reached(lambda: served(api, "/apis/example.com/v1/namespaces/default/gadgets/x"))


async def test_a_definition_goes_with_its_objects_and_waits_for_their_finalizers(api: LocalApi) -> None:
    await defined(api, definition())
    await call(api, "POST", WIDGETS, {"metadata": {"name": "plain"}, "spec": {}})
    await call(api, "POST", WIDGETS, {"metadata": {"name": "held", "finalizers": ["example.com/x"]}, "spec": {}})
    gone = await call(api, "DELETE", f"{DEFINITIONS}/widgets.example.com")
    assert gone["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    await reached(lambda: "deletionTimestamp" in api.get(f"{WIDGETS}/held")["metadata"])
    with pytest.raises(NotFound):
        api.get(f"{WIDGETS}/plain")
    with pytest.raises(MethodNotAllowed, match="create not allowed while custom resource definition is terminating"):
        await call(api, "POST", WIDGETS, {"metadata": {"name": "late"}, "spec": {}})
    patch = {"metadata": {"finalizers": None}}
    await api.call("PATCH", f"{WIDGETS}/held", body=patch, headers={"Content-Type": "application/merge-patch+json"})
    await reached(lambda: not served(api, f"{WIDGETS}/held"))
    with pytest.raises(NotFound):
        api.get(f"{DEFINITIONS}/widgets.example.com")


async def test_definitions_are_served_again_after_a_restart(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0)
    async with running_api_server(settings) as server:
        api = server.assembly.local(ADMIN, agent="test")
        await defined(api, definition())
        await call(api, "POST", WIDGETS, {"metadata": {"name": "one"}, "spec": {"size": 1}})
    async with running_api_server(settings) as server:
        api = server.assembly.local(ADMIN, agent="test")
        assert api.get(f"{WIDGETS}/one")["spec"] == {"size": 1}


async def test_the_scale_is_read_from_and_written_to_the_paths_given(api: LocalApi) -> None:
    body = definition()
    version = body["spec"]["versions"][0]
    version["schema"]["openAPIV3Schema"]["properties"]["status"] = {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True,
    }  # fmt: skip
    version["subresources"] = {
        "status": {},
        "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.n"},
    }
    await defined(api, body)
    await call(api, "POST", WIDGETS, {"metadata": {"name": "one"}, "spec": {"size": 2}})
    scale = await call(api, "GET", f"{WIDGETS}/one/scale")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 0})
    await call(api, "PUT", f"{WIDGETS}/one/scale", {"metadata": {"name": "one"}, "spec": {"replicas": 5}})
    assert api.get(f"{WIDGETS}/one")["spec"] == {"size": 5}
    stale = {"metadata": {"name": "one", "resourceVersion": scale["metadata"]["resourceVersion"]}}
    with pytest.raises(Conflict):
        await call(api, "PUT", f"{WIDGETS}/one/scale", stale)


async def test_a_group_and_version_has_an_api_service_while_a_definition_serves_it(api: LocalApi) -> None:
    path = "/apis/apiregistration.k8s.io/v1/apiservices/v1.example.com"

    def status() -> Any:
        try:
            return api.get(path).get("status") or {}
        except NotFound:
            return None

    for plural in ("widgets", "gadgets"):
        await call(api, "POST", DEFINITIONS, definition(plural))
    await reached(lambda: bool(status()))
    found = api.get(path)
    assert found["spec"]["groupPriorityMinimum"] == 1000
    assert found["metadata"]["labels"] == {"kube-aggregator.kubernetes.io/automanaged": "true"}
    (condition,) = found["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "True", "Local")
    await call(api, "DELETE", f"{DEFINITIONS}/widgets.example.com")
    await reached(lambda: not served(api, WIDGETS))
    assert status() is not None
    await call(api, "DELETE", f"{DEFINITIONS}/gadgets.example.com")
    await reached(lambda: status() is None)


async def test_an_api_service_that_somebody_else_made_stays(api: LocalApi) -> None:
    services = "/apis/apiregistration.k8s.io/v1/apiservices"
    spec = {"group": "example.com", "version": "v1", "groupPriorityMinimum": 7, "versionPriority": 7}
    await call(api, "POST", services, {"metadata": {"name": "v1.example.com"}, "spec": spec})
    await call(api, "POST", DEFINITIONS, definition("widgets"))
    await reached(lambda: served(api, WIDGETS))
    await call(api, "DELETE", f"{DEFINITIONS}/widgets.example.com")
    other = definition("gadgets")
    other["metadata"]["name"], other["spec"]["group"] = "gadgets.example.org", "example.org"
    await call(api, "POST", DEFINITIONS, other)
    await reached(lambda: exists(api, f"{services}/v1.example.org"))
    assert (await call(api, "GET", f"{services}/v1.example.com"))["spec"] == spec


async def test_a_column_that_cannot_be_read_ends_the_columns(api: LocalApi) -> None:
    made = definition()
    columns = [(".spec.size", "Size"), (".spec.sizes[-1:]", "Last"), (".spec[", "Bad"), (".spec.size", "Never")]
    made["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": name, "type": "integer", "jsonPath": path} for path, name in columns
    ]
    await defined(api, made)
    await call(api, "POST", WIDGETS, {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}})
    accept = {"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"}
    table = codec.decode(joined(await api.call("GET", WIDGETS, headers=accept)))
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Size", "Last"]
    assert table["rows"][0]["cells"] == ["a", None, None]
