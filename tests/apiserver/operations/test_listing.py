"""Lists: pages of one piece, tokens that have grown old, and every combination of revision and match."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import BadRequest, Expired, Invalid, Timeout
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningApiServer]:
    async with running_api_server(ClusterSettings(data_dir=tmp_path, port=0, store="memory://")) as running:
        yield running


@pytest.fixture
async def api(server: RunningApiServer) -> LocalApi:
    api = server.assembly.local(ADMIN, agent="test")
    for index in range(5):
        await make(api, f"c{index}", odd=str(index % 2))
    return api


async def make(api: LocalApi, name: str, **labels: str) -> int:
    made = await api.call("POST", MAPS, body={"metadata": {"name": name, "labels": labels}})
    return int(codec.decode(joined(made))["metadata"]["resourceVersion"])


async def listed(api: LocalApi, path: str = MAPS, **query: str) -> tuple[list[str], dict[str, Any]]:
    """Names and the list's metadata."""
    query = {name.rstrip("_"): value for name, value in query.items()}
    page = codec.decode(joined(await api.call("GET", path, query)))
    return [item["metadata"]["name"] for item in page["items"]], page["metadata"]


async def compact(server: RunningApiServer) -> None:
    await server.core.store.compact(server.core.store.revision)


async def test_pages_show_one_moment_whatever_happens_in_between(api: LocalApi) -> None:
    names, first = await listed(api, limit="2")
    assert (names, first["remainingItemCount"]) == (["c0", "c1"], 3)
    await api.call("DELETE", f"{MAPS}/c2")
    await make(api, "c21")
    names, second = await listed(api, limit="2", continue_=first["continue"])
    assert (names, second["remainingItemCount"]) == (["c2", "c3"], 1)
    names, last = await listed(api, limit="2", continue_=second["continue"])
    assert names == ["c4"]
    assert {"continue", "remainingItemCount"} & last.keys() == set()
    assert first["resourceVersion"] == second["resourceVersion"] == last["resourceVersion"]
    assert (await listed(api))[0] == ["c0", "c1", "c21", "c3", "c4"]


async def test_pages_go_on_where_the_last_one_ended_even_if_that_object_is_gone(api: LocalApi) -> None:
    _, first = await listed(api, limit="2")
    await api.call("DELETE", f"{MAPS}/c1")
    assert (await listed(api, limit="9", continue_=first["continue"]))[0] == ["c2", "c3", "c4"]


async def test_a_selection_is_paged_without_counting_what_remains(api: LocalApi) -> None:
    names, first = await listed(api, limit="1", labelSelector="odd=1")
    assert names == ["c1"]
    assert "remainingItemCount" not in first
    names, last = await listed(api, limit="1", labelSelector="odd=1", continue_=first["continue"])
    assert names == ["c3"]
    assert "continue" not in last


async def test_a_limit_that_covers_everything_leaves_no_token(api: LocalApi) -> None:
    for limit in ("5", "6", "0", "-1"):
        names, metadata = await listed(api, limit=limit)
        assert len(names) == 5
        assert "continue" not in metadata


async def test_an_expired_token_comes_with_one_that_goes_on_at_the_newest_state(
    api: LocalApi, server: RunningApiServer
) -> None:
    _, first = await listed(api, limit="2")
    await make(api, "c01")
    await make(api, "c11")
    await compact(server)
    with pytest.raises(Expired, match="The provided continue parameter is too old") as refused:
        await listed(api, limit="2", continue_=first["continue"])
    status = refused.value.status
    assert (status["code"], status["reason"]) == (410, "Expired")
    fresh = status["metadata"]["continue"]
    names, metadata = await listed(api, limit="2", continue_=fresh)
    assert names == ["c11", "c2"], "the rest of what there is now"
    assert metadata["remainingItemCount"] == 2
    assert int(metadata["resourceVersion"]) == server.core.store.revision
    names, _ = await listed(api, limit="9", continue_=metadata["continue"])
    assert names == ["c3", "c4"]


def token(**fields: Any) -> str:
    data = codec.encode({"v": "meta.k8s.io/v1", "rv": 1, "start": "c0\0"} | fields)
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("!!", "illegal base64 data at input byte 0"),
        ("e30=", "illegal base64 data at input byte"),
        (base64.urlsafe_b64encode(b"nothing").decode().rstrip("="), "invalid character 'o' in literal null"),
        (base64.urlsafe_b64encode(b"[]").decode().rstrip("="), "json: cannot unmarshal array into Go value"),
        (base64.urlsafe_b64encode(b"null").decode().rstrip("="), 'does not recognize this encoded version ""'),
        (token(v="v2"), 'server does not recognize this encoded version "v2"'),
        (token(rv=0), "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        (token(rv="1"), "incorrect encoded start resourceVersion"),
        (token(start=""), "encoded start key empty (version meta.k8s.io/v1)"),
        (token(start="../../secrets/default/"), "continue key is not valid: ../../secrets/default/"),
    ],
)
async def test_a_token_that_nobody_gave_out_is_refused(api: LocalApi, text: str, problem: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await listed(api, continue_=text)
    assert refused.value.message.startswith("invalid continue token: continue key is not valid: ")
    assert problem in refused.value.message


class TestRevisions:
    """Upstream's table: which state a list shows, by `resourceVersion`, `resourceVersionMatch` and `limit`."""

    @pytest.fixture
    async def then(self, api: LocalApi) -> str:
        """A revision at which there were five; there is one more now."""
        _, metadata = await listed(api)
        await make(api, "new")
        return str(metadata["resourceVersion"])

    @pytest.mark.parametrize("limit", ["", "3"])
    @pytest.mark.parametrize("match", ["", "NotOlderThan"])
    async def test_zero_shows_any_state_and_ours_is_the_newest(
        self, api: LocalApi, then: str, match: str, limit: str
    ) -> None:
        names, metadata = await listed(api, resourceVersion="0", resourceVersionMatch=match, limit=limit)
        assert len(names) + metadata.get("remainingItemCount", 0) == 6

    @pytest.mark.parametrize(
        ("match", "limit", "count"),
        [
            ("", "", 6),
            ("NotOlderThan", "", 6),
            ("NotOlderThan", "3", 6),
            ("Exact", "", 5),
            ("Exact", "3", 5),
            ("", "3", 5),
        ],
    )
    async def test_a_revision_shows_it_or_something_newer(
        self, api: LocalApi, then: str, match: str, limit: str, count: int
    ) -> None:
        names, metadata = await listed(api, resourceVersion=then, resourceVersionMatch=match, limit=limit)
        assert len(names) + metadata.get("remainingItemCount", 0) == count
        assert (metadata["resourceVersion"] == then) == (count == 5)

    async def test_pages_of_an_exact_revision_keep_it(self, api: LocalApi, then: str) -> None:
        _, first = await listed(api, resourceVersion=then, resourceVersionMatch="Exact", limit="3")
        names, second = await listed(api, limit="3", continue_=first["continue"])
        assert names == ["c3", "c4"]
        assert second["resourceVersion"] == then

    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ({"resourceVersionMatch": "Exact"}, "forbidden unless resourceVersion is provided"),
            ({"resourceVersionMatch": "NotOlderThan"}, "forbidden unless resourceVersion is provided"),
            ({"resourceVersion": "0", "resourceVersionMatch": "Exact"}, 'is forbidden for resourceVersion "0"'),
            ({"resourceVersion": "1", "resourceVersionMatch": "Newest"}, 'Unsupported value: "Newest"'),
            ({"sendInitialEvents": "true"}, "sendInitialEvents is forbidden for list"),
            (
                {"resourceVersion": "1", "resourceVersionMatch": "Exact", "continue": token()},
                "resourceVersionMatch is forbidden when continue is provided",
            ),
        ],
    )
    async def test_combinations_without_a_meaning_are_refused(
        self, api: LocalApi, query: dict[str, str], problem: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            await api.call("GET", MAPS, query)
        assert problem in refused.value.message

    async def test_a_token_and_a_revision_do_not_go_together(self, api: LocalApi, then: str) -> None:
        with pytest.raises(BadRequest, match="specifying resource version is not allowed when using continue"):
            await listed(api, resourceVersion=then, continue_=token())
        assert (await listed(api, resourceVersion="0", limit="2"))[0] == ["c0", "c1"]

    async def test_an_exact_revision_that_is_forgotten_is_gone(
        self, api: LocalApi, then: str, server: RunningApiServer
    ) -> None:
        await make(api, "newer")
        await compact(server)
        with pytest.raises(Expired, match="The resourceVersion for the provided list is too old") as refused:
            await listed(api, resourceVersion=then, resourceVersionMatch="Exact")
        assert "metadata" not in refused.value.status or not refused.value.status["metadata"]
        assert len((await listed(api, resourceVersion=then))[0]) == 7, "not older than it is good enough"

    @pytest.mark.parametrize("match", ["", "NotOlderThan", "Exact"])
    async def test_a_revision_that_is_yet_to_come_is_told_in_a_way_clients_know(
        self, api: LocalApi, match: str, server: RunningApiServer
    ) -> None:
        future = str(server.core.store.revision + 100)
        with pytest.raises(Timeout, match=f"Timeout: Too large resource version: {future}, current: ") as refused:
            await listed(api, resourceVersion=future, resourceVersionMatch=match)
        details = refused.value.status["details"]
        assert details["causes"] == [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        assert details["retryAfterSeconds"] == 1
        with pytest.raises(Timeout, match="Too large resource version"):
            await api.call("GET", f"{MAPS}/c0", {"resourceVersion": future})

    @pytest.mark.parametrize("path", [MAPS, f"{MAPS}/elsewhere"])
    async def test_a_revision_that_another_server_told_of_is_waited_for(
        self, api: LocalApi, server: RunningApiServer, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        """Where several servers share a store, each of them lags behind by a moment."""

        async def catch_up(_: object) -> int:
            return await make(api, "elsewhere")

        monkeypatch.setattr(type(server.core.store), "current_revision", catch_up)
        told = str(server.core.store.revision + 1)
        assert b"elsewhere" in joined(await api.call("GET", path, {"resourceVersion": told}))


@pytest.mark.parametrize("group", ["/api/v1", "/apis/events.k8s.io/v1"])
async def test_events_are_selected_by_the_field_names_of_either_form(api: LocalApi, group: str) -> None:
    core, new = "/api/v1/namespaces/default/events", "/apis/events.k8s.io/v1/namespaces/default/events"
    for name in ("ours", "theirs"):
        about = {"kind": "Pod", "namespace": "default", "name": name}
        event = {"metadata": {"name": name}, "involvedObject": about, "reportingComponent": f"{name}.dev"}
        await api.call("POST", core, body=event)
    assert (await listed(api, f"{group}/namespaces/default/events"))[0] == ["ours", "theirs"]
    assert (await listed(api, new, fieldSelector="reportingController=ours.dev"))[0] == ["ours"]
    assert (await listed(api, new, fieldSelector="regarding.name!=ours"))[0] == ["theirs"]
    assert (await listed(api, core, fieldSelector="reportingComponent=ours.dev,involvedObject.kind=Pod"))[0] == ["ours"]
    with pytest.raises(BadRequest, match="field label not supported"):
        await listed(api, new, fieldSelector="involvedObject.name=ours")
