"""Who has which Service address, and when it is let go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.allocation.ledger import ObjectLedger
from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import AlreadyExists, Invalid
from cloudk8s.machinery import codec, names
from cloudk8s.settings import ClusterSettings
from cloudk8s.storage.interface import Record, Store, Write
from tests.apiserver.admission.cluster import ADMIN

SERVICES = "/api/v1/namespaces/default/services"
NODE_PORT = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30123}]}
DRY = {"dryRun": "All"}
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


@pytest.fixture
def api(server: RunningApiServer) -> LocalApi:
    return server.assembly.local(ADMIN, agent="test")


def service(name: str = "web", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}, "spec": {"ports": [{"port": 80}]}}


async def held(api: LocalApi) -> set[str]:
    """Addresses that somebody holds, once everything that goes on has settled."""
    for _ in range(10):
        await asyncio.sleep(0)
    answer = await api.call("GET", "/apis/networking.k8s.io/v1/ipaddresses")
    return {item["metadata"]["name"] for item in codec.decode(joined(answer))["items"]}


async def made(api: LocalApi, body: dict[str, Any], query: dict[str, str] | None = None) -> str:
    answer = await api.call("POST", SERVICES, query, body)
    return str(codec.decode(joined(answer))["spec"]["clusterIP"])


async def test_an_address_is_held_until_the_service_is_gone(api: LocalApi) -> None:
    before = await held(api)
    address = await made(api, service())
    assert await held(api) == before | {address}
    await api.call("DELETE", f"{SERVICES}/web")
    assert await held(api) == before


async def test_a_dry_run_holds_and_lets_go_of_nothing(api: LocalApi, server: RunningApiServer) -> None:
    address = await made(api, service())
    before, revision = await held(api), server.core.store.revision
    assert await made(api, service("other"), DRY) not in before
    await api.call("DELETE", f"{SERVICES}/web", DRY)
    await api.call("DELETE", SERVICES, DRY)
    await api.call("PATCH", f"{SERVICES}/web", DRY, {"spec": {"type": "ExternalName", "externalName": "a.b"}}, MERGE)
    assert await held(api) == before
    assert address in before
    assert server.core.store.revision == revision


async def test_a_service_that_waits_for_a_finalizer_keeps_its_address(api: LocalApi) -> None:
    address = await made(api, service(finalizers=["example.com/wait"]))
    await api.call("DELETE", f"{SERVICES}/web")
    assert address in await held(api)
    await api.call("PATCH", f"{SERVICES}/web", None, {"metadata": {"finalizers": None}}, MERGE)
    assert address not in await held(api)


async def test_an_address_says_whose_it_is_also_where_the_name_is_generated(api: LocalApi) -> None:
    answer = await api.call(
        "POST", SERVICES, None, {"metadata": {"generateName": "web-"}, "spec": {"ports": [{"port": 80}]}}
    )
    made = codec.decode(joined(answer))
    address = await api.call("GET", f"/apis/networking.k8s.io/v1/ipaddresses/{made['spec']['clusterIP']}")
    assert codec.decode(joined(address))["spec"]["parentRef"]["name"] == made["metadata"]["name"]


@pytest.mark.parametrize("given", [{}, {"clusterIP": "10.96.77.7"}], ids=["any address", "a given address"])
async def test_an_address_names_its_service_also_where_a_generated_name_was_taken(
    api: LocalApi, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    first = await made(api, service("web-a"))
    before = await held(api)
    following = iter(["web-a", "web-a", "web-b"])
    monkeypatch.setattr(names, "generate_name", lambda base, max_length: next(following))
    second = await made(api, {"metadata": {"generateName": "web-"}, "spec": {"ports": [{"port": 80}], **given}})
    assert await held(api) == before | {second}
    for address, name in ((first, "web-a"), (second, "web-b")):
        answer = await api.call("GET", f"/apis/networking.k8s.io/v1/ipaddresses/{address}")
        assert codec.decode(joined(answer))["spec"]["parentRef"]["name"] == name


async def test_names_that_are_all_taken_leave_no_address_held(api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(api, service("web-a"))
    before = await held(api)
    monkeypatch.setattr(names, "generate_name", lambda base, max_length: "web-a")
    with pytest.raises(AlreadyExists):
        await made(api, {"metadata": {"generateName": "web-"}, "spec": {"ports": [{"port": 80}]}})
    assert await held(api) == before


async def test_an_address_that_another_got_while_names_changed_stays_that_ones(
    api: LocalApi, server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(api, service("web-a"))
    following = iter(["web-a", "web-b"])
    monkeypatch.setattr(names, "generate_name", lambda base, max_length: next(following))
    release = ObjectLedger.release

    async def release_and_lose(self: ObjectLedger, address: str) -> None:
        await release(self, address)
        await self.hold(address, "default", "thief")

    monkeypatch.setattr(ObjectLedger, "release", release_and_lose)
    with pytest.raises(Invalid, match="provided IP is already allocated"):
        await made(api, {"metadata": {"generateName": "web-"}, "spec": {"ports": [{"port": 80}]}})
    monkeypatch.setattr(ObjectLedger, "release", release)
    assert "thief" in [
        item["spec"]["parentRef"]["name"] for item in server.core.all("networking.k8s.io", "ipaddresses")
    ]


class Standstill:
    """A point that calls reach and do not get beyond before one is cancelled."""

    def __init__(self) -> None:
        self._reached, self._goes_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, *_: object) -> None:
        self._reached.set()
        await self._goes_on.wait()

    async def cancel(self, call: Coroutine[Any, Any, object]) -> None:
        """Begin the call, and cancel it where it stands still, as when its client goes."""
        task = asyncio.create_task(call)
        await self._reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        self._goes_on.set()


async def test_a_service_that_nobody_waited_for_keeps_what_it_was_given(
    api: LocalApi, server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that is on its way happens also where its client has gone, or has run out of time."""
    store = type(server.core.store)
    write = store.write

    async def write_slowly(self: Store, what: Write) -> Record:
        record = await write(self, what)
        if what.key.endswith("/late"):
            await until_cancelled()
        return record

    until_cancelled = Standstill()
    monkeypatch.setattr(store, "write", write_slowly)
    await until_cancelled.cancel(api.call("POST", SERVICES, None, service("late") | {"spec": NODE_PORT}))
    monkeypatch.setattr(store, "write", write)
    answer = await api.call("GET", f"{SERVICES}/late")
    spec = codec.decode(joined(answer))["spec"]
    assert spec["clusterIP"] in await held(api)
    with pytest.raises(Invalid, match="provided port is already allocated"):
        await made(api, service("other") | {"spec": NODE_PORT})
    await api.call("DELETE", f"{SERVICES}/late")
    await made(api, service("other") | {"spec": NODE_PORT})


async def test_a_deletion_that_nobody_waited_for_gives_back_what_was_held(
    api: LocalApi, server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await held(api)
    await made(api, service("late") | {"spec": NODE_PORT})
    store = type(server.core.store)
    write = store.write

    async def write_slowly(self: Store, what: Write) -> Record:
        if what.key.endswith("/late"):
            await until_cancelled()
        return await write(self, what)

    until_cancelled = Standstill()
    monkeypatch.setattr(store, "write", write_slowly)
    await until_cancelled.cancel(api.call("DELETE", f"{SERVICES}/late"))
    monkeypatch.setattr(store, "write", write)
    async with asyncio.timeout(10):
        while await held(api) != before:
            await asyncio.sleep(0.01)
    await made(api, service("other") | {"spec": NODE_PORT})


async def test_a_service_that_was_given_up_before_it_was_written_leaves_no_address_held(
    api: LocalApi, server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await held(api)
    validate = server.core.admission.validate

    async def validate_slowly(request: AdmissionRequest) -> None:
        if request.resource.plural == "services":
            await until_cancelled()
        await validate(request)

    until_cancelled = Standstill()
    monkeypatch.setattr(server.core.admission, "validate", validate_slowly)
    await until_cancelled.cancel(api.call("POST", SERVICES, None, service()))
    monkeypatch.undo()
    assert await held(api) == before
