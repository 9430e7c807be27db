"""Whatever is sent is answered, and never with a failure of the server's own.

`CLOUDK8S_FUZZ` multiplies the number of examples.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.http.interface import Request, Response, Stream
from cloudk8s.apiserver.local import LocalConnection, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN
from tests.apiserver.fuzz import generating
from tests.apiserver.fuzz.generating import JUNK, NAMES, QUERIES

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
TIMES = float(os.environ.get("CLOUDK8S_FUZZ", "1"))
ACCEPTED = ("application/json", "*/*", "application/yaml", "application/vnd.kubernetes.protobuf", TABLE, METADATA, "x")
PATCHES = {
    "application/json-patch+json": generating.json_patches,
    "application/merge-patch+json": generating.objects,
    "application/strategic-merge-patch+json": generating.strategic,
    "application/apply-patch+yaml": generating.objects,
}
REGISTRY: Registry = load_registry()
RESOURCES = [item for item in REGISTRY.resources() if "create" in item.verbs]


def thorough(examples: int) -> settings:
    """The settings of a test: the same requests each time, unless more are asked for."""
    return settings(
        max_examples=int(examples * TIMES), deadline=None, derandomize=TIMES == 1, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        accounts = "/api/v1/namespaces/default/serviceaccounts"
        await running.assembly.local(ADMIN, agent="fuzz").call("POST", accounts, body={"metadata": {"name": "default"}})
        yield running


async def send(
    server: RunningApiServer, method: str, path: str, query: dict[str, str], body: bytes, content_type: str
) -> None:
    target = path + "?" + "&".join(f"{key}={quote(value)}" for key, value in query.items()) if query else path
    headers = {"content-type": content_type, "user-agent": "fuzz", "accept": ACCEPTED[len(body) % len(ACCEPTED)]}
    answer: Any = server.assembly.server.handle(Request(method, target, headers, body, LocalConnection(ADMIN)))
    if inspect.isawaitable(answer):
        answer = await answer
    if isinstance(answer, Stream):
        return
    assert isinstance(answer, Response)
    text = joined(answer)
    assert answer.status < 500 or as_upstream(content_type, text), (answer.status, method, target, body, text)


MISTAKES_OF_500 = (
    b"strconv.ParseUint", b"target.name: Required value", b"target.kind: Unsupported value",
    b"more than one PodDisruptionBudget", b"the spec replicas field",
)  # fmt: skip
"""What upstream, too, answers with 500 (docs/api-server.md)."""


def as_upstream(content_type: str, text: bytes) -> bool:
    """Whether an answer of 500 is one of those that upstream gives to a client's mistake."""
    if any(part in text for part in MISTAKES_OF_500):
        return True
    patches = ("application/apply-patch+yaml", "application/strategic-merge-patch+json")
    return content_type in patches and b"InternalError" not in text


def place(resource: ResourceType, name: str = "") -> str:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    root += "/namespaces/default" if resource.namespaced else ""
    return f"{root}/{resource.plural}/{name}" if name else f"{root}/{resource.plural}"


@thorough(150)
@given(st.data())
async def test_objects_of_every_kind(server: RunningApiServer, data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(RESOURCES))
    body = codec.encode_sorted(plain(data.draw(generating.objects(REGISTRY, resource))))
    query, content_type = data.draw(QUERIES), data.draw(st.sampled_from(["application/json", "application/yaml"]))
    await send(server, "POST", place(resource), query, body, content_type)
    if not resource.is_virtual:
        name = data.draw(st.sampled_from(NAMES))
        tail = data.draw(st.sampled_from(["", *(f"/{name}" for name in resource.subresources)]))
        for method in ("PUT", "POST"):
            await send(server, method, place(resource, name) + tail, query, body, content_type)


@thorough(150)
@given(st.data())
async def test_patches_of_every_type(server: RunningApiServer, data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from([item for item in RESOURCES if "patch" in item.verbs]))
    made = codec.encode_sorted(plain(data.draw(generating.objects(REGISTRY, resource))))
    await send(server, "POST", place(resource), {}, made, "application/json")
    content_type = data.draw(st.sampled_from(sorted(PATCHES)))
    body = codec.encode_sorted(plain(data.draw(PATCHES[content_type](REGISTRY, resource))))
    query = data.draw(QUERIES) | {"fieldManager": "fuzz"}
    tail = data.draw(st.sampled_from(["", "", *(f"/{name}" for name in resource.subresources)]))
    for name in NAMES:
        await send(server, "PATCH", place(resource, name) + tail, query, body, content_type)


GADGET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer", "minimum": 0, "multipleOf": 2, "default": 4},
                "port": {"x-kubernetes-int-or-string": True, "nullable": True},
                "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 3, "enum": ["a", "b", "web"]},
                "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "template": {
                    "type": "object", "x-kubernetes-embedded-resource": True,
                    "properties": {"spec": {"type": "object"}},
                },
                "set": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
                "ports": {
                    "type": "array", "maxItems": 3,
                    "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["p"],
                    "items": {"type": "object", "required": ["p"], "properties": {"p": {"type": "integer"}}},
                },
                "labels": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
                "when": {"type": "string", "format": "date-time"},
                "one": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object",
                        "properties": {"a": {"type": "number"}, "b": {"type": "boolean"}}},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}  # fmt: skip
DEFINITION: dict[str, Any] = {
    "metadata": {"name": "gadgets.example.com"},
    "spec": {
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "gadgets", "kind": "Gadget"},
        "versions": [{
            "name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": GADGET},
            "subresources": {
                "status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
            },
            "additionalPrinterColumns": [{"name": "S", "type": "integer", "jsonPath": ".spec.ports[0].p"}],
            "selectableFields": [{"jsonPath": ".spec.name"}],
        }],
    },
}  # fmt: skip


async def gadgets(server: RunningApiServer) -> ResourceType:
    """A custom kind that uses what a schema can say; made at the first call."""
    registry = server.core.registry
    if registry.lookup("example.com", "v1", "gadgets") is None:
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        await server.assembly.local(ADMIN, agent="fuzz").call("POST", definitions, body=DEFINITION)
    async with asyncio.timeout(5):
        while (found := registry.lookup("example.com", "v1", "gadgets")) is None:
            await asyncio.sleep(0.001)
    return found


@thorough(60)
@given(st.data())
async def test_custom_resources(server: RunningApiServer, data: st.DataObject) -> None:
    resource = await gadgets(server)
    name, query = data.draw(st.sampled_from(NAMES)), data.draw(QUERIES) | {"fieldManager": "fuzz"}
    tail = data.draw(st.sampled_from(["", "", "/status", "/scale"]))
    body = codec.encode_sorted(plain(data.draw(generating.objects(REGISTRY, resource))))
    await send(server, "POST", place(resource), query, body, "application/json")
    await send(server, "PUT", place(resource, name) + tail, query, body, "application/json")
    content_type = data.draw(st.sampled_from(sorted(PATCHES)))
    patch = codec.encode_sorted(plain(data.draw(PATCHES[content_type](REGISTRY, resource))))
    await send(server, "PATCH", place(resource, name) + tail, query, patch, content_type)
    await send(server, "GET", place(resource), query, b"", "application/json")


@thorough(100)
@given(st.data())
async def test_reads_and_deletions(server: RunningApiServer, data: st.DataObject) -> None:
    resource = data.draw(st.sampled_from(REGISTRY.resources()))
    method = data.draw(st.sampled_from(["GET", "GET", "DELETE", "HEAD", "OPTIONS"]))
    name = data.draw(st.sampled_from(["", *NAMES]))
    options = st.fixed_dictionaries(
        {}, optional={"gracePeriodSeconds": JUNK, "preconditions": JUNK, "dryRun": JUNK, "propagationPolicy": JUNK}
    )
    body = codec.encode_sorted(plain(data.draw(st.one_of(options, JUNK)))) if method == "DELETE" else b""
    if method == "DELETE" and not name and resource.plural in ("namespaces", "customresourcedefinitions"):
        return
    await send(server, method, place(resource, name), data.draw(QUERIES), body, "application/json")


@thorough(100)
@given(
    st.binary(max_size=60),
    st.sampled_from(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]),
)
async def test_bytes_that_are_no_objects(server: RunningApiServer, body: bytes, content_type: str) -> None:
    for data in (body, b"k8s\0" + body, b"{" + body):
        for method, path in (
            ("POST", "/api/v1/namespaces/default/pods"),
            ("DELETE", "/api/v1/namespaces/default/pods/a"),
        ):
            await send(server, method, path, {}, data, content_type)


NASTY: dict[str, tuple[bytes, ...]] = {
    "application/json": (b'{"a":' * 100_000, b"[" * 100_000, b'{"a":1e999999}', b'{"kind":1}', b"\xff\xfe{}", b"{}{}"),
    "application/yaml": (
        b"- " * 50_000, b"{" * 20_000, b"a: &a [*a]", b"a: .inf", b"!!python/object:os x", b"1: 2\n1: 3", b"<<: x",
        b"a: &a [x]\n" + b"".join(b"%c: &%c [%b]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefgh"),
    ),
    "application/vnd.kubernetes.protobuf": (
        b"k8s\0" + b"\x0a\x0d\x0a\x02v1\x12\x07Binding" + b"\x12\xff\xff\xff\xff\x0f", b"k8s\0" + b"\x12\x02" * 20_000,
        b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x04\xff\xff\xff\xff",
    ),
}  # fmt: skip


@pytest.mark.parametrize("content_type", [*NASTY, *PATCHES])
async def test_bodies_that_are_made_to_hurt(server: RunningApiServer, content_type: str) -> None:
    """Depth without end, documents that grow from a few lines, lengths beyond the body."""
    method, path = ("PATCH", place(RESOURCES[0], "a")) if content_type in PATCHES else ("POST", place(RESOURCES[0]))
    for body in NASTY.get(content_type) or (*NASTY["application/json"], *NASTY["application/yaml"]):
        await send(server, method, path, {"fieldManager": "fuzz"}, body, content_type)


@thorough(100)
@given(st.text(max_size=30), st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "X"]))
async def test_paths_that_lead_nowhere(server: RunningApiServer, path: str, method: str) -> None:
    for root in ("/", "/api/v1/", "/apis/apps/v1/namespaces/", "/api/v1/namespaces/default/pods/a/", "/openapi/v3/"):
        await send(server, method, root + quote(path), {}, b"{}", "application/json")


def plain(value: Any) -> Any:
    """What JSON can hold: Python's own numbers are wider."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**64 else value
