"""Watches as clients see them: where they begin, bookmarks, revisions that are gone, forms, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.handlers import watching
from cloudk8s.apiserver.handlers.watching import WatchStream
from cloudk8s.apiserver.http.interface import Stream
from cloudk8s.apiserver.operations.selection import Selection
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.handlers.following import Watching, refusal, sent, watch

MAPS = "/api/v1/namespaces/default/configmaps"
END = {"k8s.io/initial-events-end": "true"}
STREAM = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        for name in ("a", "b"):
            await make(running, name)
        yield running


async def make(server: RunningApiServer, name: str, **labels: str) -> int:
    body = {"metadata": {"name": name, "labels": labels}}
    answer = await sent(server, "POST", MAPS, body=body)
    return int(refusal(answer)["metadata"]["resourceVersion"])


async def label(server: RunningApiServer, name: str, **labels: str) -> None:
    body, merge = {"metadata": {"labels": labels}}, "application/merge-patch+json"
    await sent(server, "PATCH", f"{MAPS}/{name}", body=body, content_type=merge)


def now(server: RunningApiServer) -> str:
    return str(server.core.store.revision)


@pytest.mark.parametrize("version", ["", "0"])
async def test_without_a_revision_what_is_there_comes_first(server: RunningApiServer, version: str) -> None:
    following = await watch(server, MAPS, resourceVersion=version)
    await make(server, "c")
    assert following.told == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


async def test_from_a_revision_only_what_came_later_is_told(server: RunningApiServer) -> None:
    seen = now(server)
    await make(server, "c")
    await sent(server, "DELETE", f"{MAPS}/a")
    following = await watch(server, MAPS, resourceVersion=seen)
    await make(server, "d")
    assert following.told == [("ADDED", "c"), ("DELETED", "a"), ("ADDED", "d")]


async def test_a_watch_list_tells_where_what_was_there_ends(server: RunningApiServer) -> None:
    following = await watch(server, MAPS, **STREAM)
    assert following.told == [("ADDED", "a"), ("ADDED", "b"), ("BOOKMARK", "")]
    mark = following.events[-1]["object"]
    assert (mark["kind"], mark["apiVersion"]) == ("ConfigMap", "v1")
    assert mark["metadata"] == {"resourceVersion": now(server), "creationTimestamp": None, "annotations": END}
    await make(server, "c")
    assert following.told[-1] == ("ADDED", "c")


@pytest.mark.parametrize("kind", ["PartialObjectMetadata", "Table"])
async def test_a_bookmark_has_the_form_that_was_asked_for(server: RunningApiServer, kind: str) -> None:
    """Garbage collectors know no other kind than PartialObjectMetadata, and end a watch that brings one."""
    accept = f"application/json;as={kind};g=meta.k8s.io;v=v1"
    following = await watch(server, MAPS, accept=accept, **STREAM)
    mark = following.events[-1]
    assert (mark["type"], mark["object"]["kind"], mark["object"]["apiVersion"]) == ("BOOKMARK", kind, "meta.k8s.io/v1")
    assert mark["object"]["metadata"] == {"resourceVersion": now(server), "creationTimestamp": None, "annotations": END}


async def test_a_watch_list_of_nothing_still_has_its_bookmark(server: RunningApiServer) -> None:
    (mark,) = (await watch(server, "/api/v1/namespaces/kube-public/secrets", **STREAM)).events
    assert mark["object"]["metadata"]["annotations"] == END


async def test_initial_events_can_be_left_out(server: RunningApiServer) -> None:
    following = await watch(server, MAPS, **STREAM | {"sendInitialEvents": "false", "resourceVersion": "0"})
    await make(server, "c")
    assert following.told == [("ADDED", "c")]


async def test_a_watch_list_from_a_revision_shows_the_newest_state(server: RunningApiServer) -> None:
    seen = now(server)
    await sent(server, "DELETE", f"{MAPS}/a")
    following = await watch(server, MAPS, **STREAM | {"resourceVersion": seen})
    assert following.told == [("ADDED", "b"), ("BOOKMARK", "")]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"sendInitialEvents": "true"}, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, 'Unsupported value: "Exact"'),
        ({"resourceVersionMatch": "NotOlderThan"}, "forbidden for watch unless sendInitialEvents is provided"),
        ({"continue": "abc"}, "continue is forbidden for watch"),
    ],
)
async def test_options_that_make_no_sense_are_refused(
    server: RunningApiServer, query: dict[str, str], problem: str
) -> None:
    answer = await sent(server, "GET", MAPS, {"watch": "1", **query})
    assert answer.status == 422
    assert problem in refusal(answer)["message"]


async def test_a_revision_that_is_forgotten_is_told_as_an_event(server: RunningApiServer) -> None:
    """The answer has begun by then: upstream sends one ERROR and ends it."""
    old = now(server)
    for name in ("c", "d"):
        await make(server, name)
    await server.core.store.compact(server.core.store.revision)
    following = await watch(server, MAPS, resourceVersion=old)
    (event,) = following.events
    assert event["type"] == "ERROR"
    status = event["object"]
    oldest = server.core.store.oldest_revision
    assert status == {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": f"too old resource version: {old} ({oldest})", "reason": "Expired", "code": 410,
    }  # fmt: skip
    assert following.is_closed


async def test_the_newest_revision_is_never_too_old(server: RunningApiServer) -> None:
    await server.core.store.compact(server.core.store.revision)
    following = await watch(server, MAPS, resourceVersion=now(server))
    await make(server, "c")
    assert following.told == [("ADDED", "c")]


@pytest.mark.parametrize("query", [{}, STREAM])
async def test_a_revision_that_is_yet_to_come_is_refused(server: RunningApiServer, query: dict[str, str]) -> None:
    answer = await sent(server, "GET", MAPS, {"watch": "1", "resourceVersion": "99999", **query})
    assert answer.status == 504
    assert refusal(answer)["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_bookmarks_come_now_and_then_where_they_are_asked_for(
    server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_BOOKMARK_SECONDS", 0.01)
    begin = now(server)
    asked = await watch(server, MAPS, resourceVersion=begin, allowWatchBookmarks="true")
    silent = await watch(server, MAPS, resourceVersion=begin)
    await sent(server, "POST", "/api/v1/namespaces/default/secrets", body={"metadata": {"name": "other"}})
    async with asyncio.timeout(5):
        while len(asked.events) < 2:
            await asyncio.sleep(0.01)
    assert {event["type"] for event in asked.events} == {"BOOKMARK"}
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in asked.events]
    assert versions == sorted(versions)
    assert versions[-1] == server.core.store.revision > int(begin), "of changes elsewhere, too"
    assert "annotations" not in asked.events[0]["object"]["metadata"]
    assert silent.events == []
    asked.stop()


async def test_a_watch_ends_after_its_timeout_with_a_last_bookmark(server: RunningApiServer) -> None:
    following = await watch(server, MAPS, timeoutSeconds="1", allowWatchBookmarks="true")
    async with asyncio.timeout(5):
        while not following.is_closed:
            await asyncio.sleep(0.02)
    assert following.told[-1] == ("BOOKMARK", "")


async def test_an_object_comes_into_a_selection_and_leaves_it(server: RunningApiServer) -> None:
    following = await watch(server, MAPS, resourceVersion=now(server), labelSelector="x=1")
    await label(server, "a", x="1")
    await label(server, "a", y="2")
    await label(server, "a", x="2")
    await label(server, "b", x="2")
    assert [kind for kind, _ in following.told] == ["ADDED", "MODIFIED", "DELETED"]
    assert following.events[-1]["object"]["metadata"]["labels"] == {"x": "1", "y": "2"}


async def test_one_object_is_watched_by_its_name(server: RunningApiServer) -> None:
    following = await watch(server, MAPS, resourceVersion=now(server), fieldSelector="metadata.name=b")
    old = await watch(server, "/api/v1/watch/namespaces/default/configmaps/b", resourceVersion=now(server))
    await label(server, "a", x="1")
    await label(server, "b", x="1")
    assert following.told == old.told == [("MODIFIED", "b")]


async def test_tables_say_their_columns_once(server: RunningApiServer) -> None:
    table = "application/json;as=Table;g=meta.k8s.io;v=v1"
    following = await watch(server, MAPS, accept=table)
    await make(server, "c")
    first, *others = [event["object"] for event in following.events]
    assert [column["name"] for column in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert [item["rows"][0]["cells"][0] for item in (first, *others)] == ["a", "b", "c"]
    assert all(not item.get("columnDefinitions") for item in others)


async def test_metadata_alone_can_be_watched(server: RunningApiServer) -> None:
    partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    following = await watch(server, MAPS, accept=partial)
    assert {event["object"]["kind"] for event in following.events} == {"PartialObjectMetadata"}
    assert all("data" not in event["object"] for event in following.events)


async def test_a_watch_whose_client_is_gone_hears_nothing(server: RunningApiServer) -> None:
    gone = await watch(server, MAPS, resourceVersion=now(server))
    kept = await watch(server, MAPS, resourceVersion=now(server))
    gone.stop()
    await make(server, "c")
    assert gone.told == []
    assert kept.told == [("ADDED", "c")]


async def test_what_is_told_is_what_the_write_answered(server: RunningApiServer) -> None:
    following: Watching = await watch(server, MAPS, resourceVersion=now(server))
    made: Any = refusal(await sent(server, "POST", MAPS, body={"metadata": {"name": "c"}, "data": {"k": "v"}}))
    assert following.events == [{"type": "ADDED", "object": made}]
    assert codec.encode(made) in following.text


async def test_an_event_is_encoded_once_for_all_watchers(
    server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, count = watching.WatchStream._encode, 0

    def counted(self: watching.WatchStream, kind: str, record: Any) -> bytes:
        nonlocal count
        count += 1
        return encode(self, kind, record)

    monkeypatch.setattr(watching.WatchStream, "_encode", counted)
    begin = now(server)
    everyone = [await watch(server, MAPS, resourceVersion=begin) for _ in range(40)]
    everyone += [await watch(server, "/api/v1/configmaps", resourceVersion=begin) for _ in range(40)]
    await make(server, "c")
    assert {following.text for following in everyone} == {everyone[0].text}
    assert everyone[0].told == [("ADDED", "c")]
    assert count == 1


async def test_watches_begun_at_any_revision_see_the_same_order(server: RunningApiServer) -> None:
    """While objects are made, changed and deleted all the time, of two namespaces and by several writers."""
    places = [f"/api/v1/namespaces/{name}/configmaps" for name in ("default", "kube-public")]
    begun: list[tuple[int, Watching]] = []

    async def write(writer: int) -> None:
        for number in range(25):
            path = places[(writer + number) % 2]
            assert (await sent(server, "POST", path, body={"metadata": {"name": f"w{writer}"}})).status == 201
            begin = server.core.store.revision
            merge = {"data": {"n": str(number)}}
            await sent(server, "PATCH", f"{path}/w{writer}", body=merge, content_type="application/merge-patch+json")
            begun.append((begin, await watch(server, "/api/v1/configmaps", resourceVersion=str(begin))))
            await sent(server, "DELETE", f"{path}/w{writer}")

    begin = int(now(server))
    everything = await watch(server, "/api/v1/configmaps", resourceVersion=str(begin))
    await asyncio.gather(*(write(writer) for writer in range(4)))
    told = [int(event["object"]["metadata"]["resourceVersion"]) for event in everything.events]
    assert told == sorted(set(told))
    assert (len(told), len(begun)) == (300, 100)
    for revision, following in begun:
        assert following.text == b"".join(
            line for line, version in zip(everything.text.splitlines(keepends=True), told, strict=True)
            if version > revision
        )  # fmt: skip


async def test_overlapping_selections_are_told_what_concerns_them(server: RunningApiServer) -> None:
    begin = now(server)
    selectors = {"a": "watch=a", "b": "watch=b", "both": "watch in (a, b)", "not a": "watch,watch!=a"}
    following = {name: await watch(server, MAPS, resourceVersion=begin, labelSelector=text)
                 for name, text in selectors.items()}  # fmt: skip
    for name in ("one", "two"):
        await make(server, name, watch="a" if name == "one" else "b")
    await label(server, "one", watch="b")
    await sent(server, "DELETE", f"{MAPS}/two")
    assert {name: each.told for name, each in following.items()} == {
        "a": [("ADDED", "one"), ("DELETED", "one")],
        "b": [("ADDED", "two"), ("ADDED", "one"), ("DELETED", "two")],
        "both": [("ADDED", "one"), ("ADDED", "two"), ("MODIFIED", "one"), ("DELETED", "two")],
        "not a": [("ADDED", "two"), ("ADDED", "one"), ("DELETED", "two")],
    }


async def test_who_watches_the_pods_of_one_node_costs_nothing_when_others_change(
    server: RunningApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pods = "/api/v1/namespaces/default/pods"
    await sent(server, "POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
    nodes = [await watch(server, "/api/v1/pods", fieldSelector=f"spec.nodeName=n{index}") for index in range(100)]
    matches, count = Selection.matches, 0

    def counted(self: Selection, attributes: Any) -> bool:
        nonlocal count
        count += 1
        return matches(self, attributes)

    monkeypatch.setattr(Selection, "matches", counted)
    spec = {"nodeName": "n7", "containers": [{"name": "c", "image": "i"}]}
    await sent(server, "POST", pods, body={"metadata": {"name": "a"}, "spec": spec})
    assert nodes[7].told == [("ADDED", "a")]
    assert not any(following.events for following in nodes[:7] + nodes[8:])
    assert count <= 2


class Slow(Watching):
    """A reader that takes the next piece when it is told to."""

    def __init__(self, stream: Stream) -> None:
        self._takes = asyncio.Semaphore(0)
        super().__init__(stream)
        self.of: WatchStream = stream.start.__self__  # type: ignore[attr-defined]

    async def drain(self) -> None:
        await self._takes.acquire()

    async def take(self) -> None:
        self._takes.release()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def slow(server: RunningApiServer, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """A watch of more than may be sent at once."""
    monkeypatch.setattr(watching, "_AT_ONCE", 100)
    monkeypatch.setattr(watching, "_SLICE", 1)
    stream = await sent(server, "GET", MAPS, {"watch": "1", **STREAM}, accept="application/json")
    following = Slow(stream)
    await asyncio.sleep(0)
    return following


async def test_a_large_first_state_is_sent_as_fast_as_it_is_read(server: RunningApiServer, slow: Slow) -> None:
    began = now(server)
    assert (slow.told, slow.is_paced) == ([("ADDED", "a")], True)
    await make(server, "aa")
    await slow.take()
    assert slow.told == [("ADDED", "a"), ("ADDED", "b")]
    await slow.take()
    assert slow.told == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "aa"), ("BOOKMARK", "")]
    assert int(slow.events[-1]["object"]["metadata"]["resourceVersion"]) > int(began)
    assert not slow.is_paced
    await make(server, "c")
    assert slow.told[-1] == ("ADDED", "c")


async def test_no_bookmark_is_sent_before_all_that_was_there(server: RunningApiServer, slow: Slow) -> None:
    slow.of.wake()
    assert slow.told == [("ADDED", "a")]
    await slow.take()
    await slow.take()
    slow.of.wake()
    assert slow.told[2:] == [("BOOKMARK", ""), ("BOOKMARK", "")]


async def test_a_large_first_state_that_nobody_reads_any_more_is_left(server: RunningApiServer, slow: Slow) -> None:
    slow.stop()
    await slow.take()
    await make(server, "c")
    assert slow.told == [("ADDED", "a")]
    assert len(server.core.alarms) == 0
