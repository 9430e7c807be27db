"""Named checks, one by one, left out, and failing."""

from __future__ import annotations

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.health import Health, add_health
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.local import LocalConnection
from cloudk8s.apiserver.paths import Paths
from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.errors import StorageError
from cloudk8s.storage.memory import MemoryStore

USER = UserInfo("ann")


class BrokenStore(MemoryStore):
    async def current_revision(self) -> int:
        raise StorageError("no quorum")


async def ask(health: Health, target: str) -> tuple[int, list[str]]:
    paths = Paths()
    add_health(paths, health)
    request = Request("GET", target, {}, b"", LocalConnection(USER))
    context = RequestContext(USER, parse_path(request.path), Query(request.query), {})
    answer = paths.answer(context, request)
    assert not isinstance(answer, Response), "answers wait for the store"
    response = await answer  # type: ignore[misc]
    assert isinstance(response, Response)
    assert isinstance(response.body, bytes)
    return response.status, response.body.decode().splitlines()


@pytest.fixture
async def health() -> Health:
    return Health(MemoryStore())


async def test_a_server_is_ready_once_its_hooks_have_run(health: Health) -> None:
    status, lines = await ask(health, "/readyz")
    assert status == 500
    assert "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld" in lines
    assert lines[-1] == "readyz check failed"
    assert (await ask(health, "/readyz/poststarthook/rbac/bootstrap-roles"))[0] == 500
    health.done("rbac/bootstrap-roles")
    assert await ask(health, "/readyz/poststarthook/rbac/bootstrap-roles") == (200, ["ok"])
    health.done()
    assert await ask(health, "/readyz") == (200, ["ok"])


async def test_a_stopping_server_lives_and_is_not_ready(health: Health) -> None:
    health.done()
    health.stopping()
    assert (await ask(health, "/livez"))[0] == 200
    status, lines = await ask(health, "/readyz")
    assert (status, lines[-2]) == (500, "[-]shutdown failed: reason withheld")
    assert await ask(health, "/readyz?exclude=shutdown") == (200, ["ok"])


async def test_checks_can_be_seen_and_left_out(health: Health) -> None:
    health.done()
    status, lines = await ask(health, "/livez?verbose&exclude=etcd&exclude=nope")
    assert status == 200
    assert lines[:3] == ["[+]ping ok", "[+]log ok", "[+]etcd excluded: ok"]
    assert lines[-2:] == [
        'warn: some health checks cannot be excluded: no matches for "nope"',
        "livez check passed",
    ]


async def test_a_store_that_does_not_answer_is_seen() -> None:
    health = Health(BrokenStore())
    health.done()
    for check in ("etcd", "etcd-readiness"):
        assert (await ask(health, f"/readyz/{check}"))[0] == 500
    assert (await ask(health, "/livez?exclude=etcd"))[0] == 200
