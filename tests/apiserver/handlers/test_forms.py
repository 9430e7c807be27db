"""Forms of answers."""

from __future__ import annotations

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import codec

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


async def test_what_a_dry_run_has_made_can_be_a_table(api: LocalApi) -> None:
    answer = await api.call("POST", MAPS, {"dryRun": "All"}, {"metadata": {"name": "a"}}, {"Accept": TABLE})
    table = codec.decode(joined(answer))
    assert (table["kind"], table["metadata"]) == ("Table", {})
    assert table["rows"][0]["cells"][0] == "a"


async def test_a_watch_of_tables_checks_what_rows_carry(api: LocalApi) -> None:
    with pytest.raises(BadRequest, match="includeObject: Invalid value"):
        await api.call("GET", MAPS, {"watch": "1", "includeObject": "x"}, headers={"Accept": TABLE})


@pytest.mark.parametrize(
    ("query", "headers", "is_pretty"),
    [
        ({}, {}, False),
        ({"pretty": "true"}, {}, True),
        ({"pretty": "x"}, {"User-Agent": "curl/8"}, False),
        ({"pretty": "false"}, {"User-Agent": "curl/8"}, False),
        ({}, {"User-Agent": "curl/8"}, True),
        ({}, {"User-Agent": "Mozilla/5.0 (X11)"}, True),
        ({}, {"Accept": "application/json;pretty=1"}, True),
    ],
)
async def test_people_get_indented_json(
    api: LocalApi, query: dict[str, str], headers: dict[str, str], is_pretty: bool
) -> None:
    body = joined(await api.call("GET", "/api/v1/namespaces/default", query, headers=headers))
    assert body.startswith(b'{\n  "kind": "Namespace",\n  "apiVersion"' if is_pretty else b'{"kind":"Namespace",')
