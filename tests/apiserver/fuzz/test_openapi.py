"""What schemathesis makes of the served OpenAPI documents is answered without a failure of the server's own."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.schemas import OpenApiSchema

from cloudk8s.api.openapi.documents import OpenApi
from cloudk8s.controlplane.api_server import RunningApiServer
from tests.apiserver.fuzz.test_requests import REGISTRY, send, server, thorough

__all__ = ["server"]

PATHS = sorted(json.loads(OpenApi(REGISTRY).index().body)["paths"])
STREAMS = ("/proxy", "/exec", "/attach", "/portforward", "/log")


@cache
def operations(path: str) -> list[Any]:
    document = OpenApi(REGISTRY).group_version(path)
    assert document is not None
    schema: OpenApiSchema = schemathesis.openapi.from_dict(json.loads(document.body))
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    return [one for one in found if not any(part in one.path for part in STREAMS)]


COLLECTION = {"create": "post", "list": "get", "deletecollection": "delete"}
OBJECT = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}


@pytest.mark.parametrize("path", PATHS)
def test_every_operation_is_described(path: str) -> None:
    described = {(one.path, one.method.lower()) for one in operations(path)}
    for resource in REGISTRY.resources():
        if resource.api_version == path.removeprefix("apis/").removeprefix("api/"):
            place = f"/{path}/{'namespaces/{namespace}/' if resource.namespaced else ''}{resource.plural}"
            wanted = {(place, COLLECTION[verb]) for verb in resource.verbs if verb in COLLECTION}
            wanted |= {(f"{place}/{{name}}", OBJECT[verb]) for verb in resource.verbs if verb in OBJECT}
            assert wanted <= described, resource.plural


@thorough(60)
@given(st.data())
async def test_operations(server: RunningApiServer, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(operations(data.draw(st.sampled_from(PATHS)))))
    case = data.draw(operation.as_strategy())
    query = {name: str(value) for name, value in (case.query or {}).items() if name != "watch"}
    body = case.body if isinstance(case.body, dict | list | str | int | float | bool | None) else {}
    if case.method == "DELETE" and case.formatted_path.endswith("/namespaces"):
        return
    content = json.dumps(body, ensure_ascii=True).encode()
    await send(server, case.method, case.formatted_path, query, content, case.media_type or "application/json")
