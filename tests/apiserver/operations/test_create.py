"""Names that the server makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.apiserver.local import joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import AlreadyExists
from cloudk8s.machinery import codec, names
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

PATH = "/api/v1/namespaces/default/configmaps"


async def test_a_generated_name_that_is_taken_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(["web-a", "web-a", "web-b", "web-a", "web-c"])
    monkeypatch.setattr(names, "generate_name", lambda base, max_length: next(made, "web-a"))
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as server:
        api = server.assembly.local(ADMIN, agent="test")
        body = {"metadata": {"generateName": "web-"}}
        for query, name in (({}, "web-a"), ({}, "web-b"), ({"dryRun": "All"}, "web-c")):
            answer = await api.call("POST", PATH, query, body)
            assert codec.decode(joined(answer))["metadata"]["name"] == name
        with pytest.raises(AlreadyExists, match="the server was not able to generate a unique name") as refused:
            await api.call("POST", PATH, body=body)
        assert refused.value.status["details"]["retryAfterSeconds"] == 1
