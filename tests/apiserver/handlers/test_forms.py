"""Forms of answers."""

from __future__ import annotations

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.machinery import codec

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


async def test_what_a_dry_run_has_made_can_be_a_table(api: LocalApi) -> None:
    answer = await api.call("POST", MAPS, {"dryRun": "All"}, {"metadata": {"name": "a"}}, {"Accept": TABLE})
    table = codec.decode(joined(answer))
    assert (table["kind"], table["metadata"]) == ("Table", {})
    assert table["rows"][0]["cells"][0] == "a"
