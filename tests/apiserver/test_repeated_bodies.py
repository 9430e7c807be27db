"""Bodies that come again are answered as if each had come alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

PODS = "/api/v1/namespaces/default/pods"
POD = {
    "metadata": {"generateName": "web-", "labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "nginx"}], "automountServiceAccountToken": False},
}
OWN = ("name", "uid", "resourceVersion", "creationTimestamp")


class AdjustableClock(FakeClock):
    """The wall clock alone moves."""

    moment = datetime.now(UTC).replace(year=2027, microsecond=0)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock()


@pytest.fixture
async def api(tmp_path: Path, clock: AdjustableClock) -> AsyncIterator[LocalApi]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings, clock=clock) as server:
        local = server.assembly.local(ADMIN, agent="test")
        await local.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
        yield local


async def make(api: LocalApi, body: Any = POD, path: str = PODS, **query: str) -> dict[str, Any]:
    answer: dict[str, Any] = codec.decode(joined(await api.call("POST", path, query, body=body)))
    return answer


def common(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in OWN}
    return {**obj, "metadata": metadata}


async def test_answers_the_same_but_for_what_is_an_objects_own(api: LocalApi) -> None:
    first, *others = [await make(api) for _ in range(4)]
    for other in others:
        assert list(other["metadata"]) == list(first["metadata"])
        assert common(other) == common(first)
    assert len({each["metadata"]["uid"] for each in (first, *others)}) == 4
    assert len({each["metadata"]["name"] for each in (first, *others)}) == 4


async def test_notes_when_each_was_written(api: LocalApi, clock: AdjustableClock) -> None:
    for _ in range(4):
        clock.moment += timedelta(hours=1)
        (entry,) = (await make(api))["metadata"]["managedFields"]
        assert entry["time"] == clock.moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_keeps_managers_apart(api: LocalApi) -> None:
    managers = ["one", "one", "two", "one", "two", "two"]
    made = [await make(api, fieldManager=manager) for manager in managers]
    assert [pod["metadata"]["managedFields"][0]["manager"] for pod in made] == managers


async def test_keeps_namespaces_apart(api: LocalApi) -> None:
    await api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": "other"}})
    await api.call("POST", "/api/v1/namespaces/other/serviceaccounts", body={"metadata": {"name": "default"}})
    for namespace in ("default", "other") * 3:
        pod = await make(api, path=f"/api/v1/namespaces/{namespace}/pods")
        assert pod["metadata"]["namespace"] == namespace


async def test_warns_each_time(api: LocalApi) -> None:
    body = {**POD, "unknown": 1}
    for _ in range(3):
        answer = await api.call("POST", PODS, body=body)
        assert [name for name, _ in answer.headers] == ["Warning"]


async def test_generates_a_name_each_time_for_kinds_that_get_it_with_their_defaults(api: LocalApi) -> None:
    names = [await make(api, {"metadata": {"generateName": "n-"}}, "/api/v1/namespaces") for _ in range(4)]
    assert len({each["metadata"]["name"] for each in names}) == 4


async def test_heeds_what_has_changed_since(api: LocalApi) -> None:
    for _ in range(3):
        await make(api)
    limit = {"metadata": {"name": "l"}, "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]}}
    await api.call("POST", "/api/v1/namespaces/default/limitranges", body=limit)
    pod = await make(api)
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "1"}
