"""Deletions: preconditions, grace, finalizers by propagation policy, collections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import Conflict, Invalid, NotFound
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import parse_time
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
JOBS = "/apis/batch/v1/namespaces/default/jobs"
CONTROLLERS = "/api/v1/namespaces/default/replicationcontrollers"
MERGE = {"content-type": "application/merge-patch+json"}
POD_SPEC = {"containers": [{"name": "c", "image": "i"}]}


async def sent(api: LocalApi, method: str, path: str, body: Any = None, **query: str) -> Any:
    headers = MERGE if method == "PATCH" else None
    return codec.decode(joined(await api.call(method, path, query, body, headers)))


async def conf(api: LocalApi, name: str = "a", **metadata: Any) -> Object:
    obj: Object = await sent(api, "POST", MAPS, {"metadata": {"name": name, **metadata}})
    return obj


async def names(api: LocalApi, path: str = MAPS) -> list[str]:
    return [item["metadata"]["name"] for item in (await sent(api, "GET", path))["items"]]


async def test_what_is_deleted_is_named_in_the_answer_and_gone(api: LocalApi) -> None:
    made = await conf(api)
    answer = await sent(api, "DELETE", f"{MAPS}/a")
    assert answer["status"] == "Success"
    assert answer["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    with pytest.raises(NotFound, match='configmaps "a" not found'):
        await sent(api, "DELETE", f"{MAPS}/a")


async def test_preconditions_let_only_the_object_meant_be_deleted(api: LocalApi) -> None:
    old = await conf(api)
    new = await sent(api, "PATCH", f"{MAPS}/a", {"data": {"k": "v"}})
    uid, stale, version = (
        old["metadata"]["uid"],
        old["metadata"]["resourceVersion"],
        new["metadata"]["resourceVersion"],
    )
    for wrong, said in (
        ({"uid": "other"}, f"UID in precondition: other, UID in object meta: {uid}"),
        (
            {"resourceVersion": stale},
            f"ResourceVersion in precondition: {stale}, ResourceVersion in object meta: {version}",
        ),
        ({"uid": uid, "resourceVersion": stale}, "ResourceVersion in precondition"),
        ({"uid": "other", "resourceVersion": version}, "UID in precondition"),
    ):
        with pytest.raises(Conflict, match=said):
            await sent(api, "DELETE", f"{MAPS}/a", {"preconditions": wrong})
    assert await names(api) == ["a"]
    await sent(api, "DELETE", f"{MAPS}/a", {"preconditions": {"uid": uid, "resourceVersion": version}})
    assert await names(api) == []


OTHER, ORPHAN, FOREGROUND = "example.com/x", "orphan", "foregroundDeletion"
GONE = None


@pytest.mark.parametrize(
    ("before", "policy", "after"),
    [
        ([], "", GONE),
        ([], "Background", GONE),
        ([], "Foreground", [FOREGROUND]),
        ([], "Orphan", [ORPHAN]),
        ([OTHER], "", [OTHER]),
        ([OTHER], "Background", [OTHER]),
        ([OTHER], "Foreground", [OTHER, FOREGROUND]),
        ([OTHER], "Orphan", [OTHER, ORPHAN]),
        ([ORPHAN], "", [ORPHAN]),
        ([ORPHAN], "Background", GONE),
        ([ORPHAN], "Foreground", [FOREGROUND]),
        ([FOREGROUND], "", [FOREGROUND]),
        ([FOREGROUND], "Background", GONE),
        ([FOREGROUND], "Orphan", [ORPHAN]),
        ([FOREGROUND, OTHER], "Background", [OTHER]),
    ],
)
async def test_the_policy_decides_over_the_finalizers_of_the_garbage_collector(
    api: LocalApi, before: list[str], policy: str, after: list[str] | None
) -> None:
    await conf(api, finalizers=before)
    await sent(api, "DELETE", f"{MAPS}/a", {"propagationPolicy": policy} if policy else None)
    if after is GONE:
        assert await names(api) == []
        return
    metadata = (await sent(api, "GET", f"{MAPS}/a"))["metadata"]
    assert metadata["finalizers"] == after
    assert metadata["deletionGracePeriodSeconds"] == 0
    assert metadata["deletionTimestamp"]


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        ([], {}, [ORPHAN]),
        ([FOREGROUND], {}, [FOREGROUND]),
        ([], {"propagationPolicy": "Background"}, GONE),
        ([], {"propagationPolicy": "Foreground"}, [FOREGROUND]),
        ([], {"orphanDependents": False}, GONE),
        ([], {"orphanDependents": True}, [ORPHAN]),
    ],
)
@pytest.mark.parametrize("path", [JOBS, CONTROLLERS])
async def test_jobs_and_replication_controllers_leave_their_pods_unless_told_otherwise(
    api: LocalApi, path: str, before: list[str], options: Object, after: list[str] | None
) -> None:
    labels = {} if path == JOBS else {"metadata": {"labels": {"a": "b"}}}
    template = {**labels, "spec": POD_SPEC | ({"restartPolicy": "Never"} if path == JOBS else {})}
    body = {"metadata": {"name": "a", "finalizers": before}, "spec": {"template": template}}
    await sent(api, "POST", path, body)
    await sent(api, "DELETE", f"{path}/a", options)
    if after is GONE:
        assert await names(api, path) == []
    else:
        assert (await sent(api, "GET", f"{path}/a"))["metadata"]["finalizers"] == after


async def test_an_object_goes_with_its_last_finalizer(api: LocalApi) -> None:
    await conf(api, finalizers=[OTHER, "example.com/y"])
    waiting = await sent(api, "DELETE", f"{MAPS}/a")
    assert waiting["kind"] == "ConfigMap"
    assert await sent(api, "DELETE", f"{MAPS}/a") == waiting, "a second deletion changes nothing"
    with pytest.raises(Invalid, match="no new finalizers can be added if the object is being deleted"):
        await sent(api, "PATCH", f"{MAPS}/a", {"metadata": {"finalizers": [OTHER, "example.com/z"]}})
    await sent(api, "PATCH", f"{MAPS}/a", {"metadata": {"finalizers": [OTHER]}})
    last = await sent(api, "PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}})
    assert "finalizers" not in last["metadata"]
    assert await names(api) == []


async def test_a_deletion_that_waits_counts_as_a_generation_once(api: LocalApi) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD_SPEC}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await sent(api, "POST", path, {"metadata": {"name": "web"}, "spec": spec})
    for _ in range(2):
        await sent(api, "DELETE", f"{path}/web", {"propagationPolicy": "Foreground"})
    assert (await sent(api, "GET", f"{path}/web"))["metadata"]["generation"] == 2


async def test_a_dry_run_deletes_nothing_and_marks_nothing(api: LocalApi) -> None:
    await conf(api, "a")
    held = await conf(api, "b", finalizers=[OTHER])
    assert (await sent(api, "DELETE", f"{MAPS}/a", dryRun="All"))["status"] == "Success"
    assert "deletionTimestamp" in (await sent(api, "DELETE", f"{MAPS}/b", {"dryRun": ["All"]}))["metadata"]
    assert await names(api) == ["a", "b"]
    assert await sent(api, "GET", f"{MAPS}/b") == held


class TestGrace:
    """Only pods are given time to go, and never more than they have."""

    @pytest.fixture
    async def pods(self, tmp_path: Path) -> AsyncIterator[LocalApi]:
        clock = FakeClock()
        clock.now = lambda: datetime(2027, 1, 1, tzinfo=UTC)  # type: ignore[method-assign]
        async with running_api_server(
            ClusterSettings(data_dir=tmp_path, port=0, store="memory://"), clock=clock
        ) as server:
            api = server.assembly.local(ADMIN, agent="test")
            await sent(api, "POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
            for name, node in (("bound", "n1"), ("free", "")):
                spec = POD_SPEC | ({"nodeName": node} if node else {})
                await sent(api, "POST", PODS, {"metadata": {"name": name}, "spec": spec})
            yield api

    async def test_a_pod_without_a_node_goes_at_once(self, pods: LocalApi) -> None:
        assert (await sent(pods, "DELETE", f"{PODS}/free"))["metadata"]["name"] == "free"
        assert await names(pods, PODS) == ["bound"]

    @pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
    async def test_a_finished_pod_goes_at_once(self, pods: LocalApi, phase: str) -> None:
        await sent(pods, "PATCH", f"{PODS}/bound/status", {"status": {"phase": phase}})
        await sent(pods, "DELETE", f"{PODS}/bound")
        assert await names(pods, PODS) == ["free"]

    async def test_grace_can_be_cut_short_but_not_extended(self, pods: LocalApi) -> None:
        now = datetime(2027, 1, 1, tzinfo=UTC)
        for asked, seconds in ((None, 30), (60, 30), (10, 10), (-1, 1), (20, 1)):
            options = {} if asked is None else {"gracePeriodSeconds": asked}
            metadata = (await sent(pods, "DELETE", f"{PODS}/bound", options))["metadata"]
            assert metadata["deletionGracePeriodSeconds"] == seconds
            assert parse_time(metadata["deletionTimestamp"]) == now + timedelta(seconds=seconds)
        await sent(pods, "DELETE", f"{PODS}/bound", gracePeriodSeconds="0")
        assert await names(pods, PODS) == ["free"]

    async def test_a_finalizer_outlives_the_grace(self, pods: LocalApi) -> None:
        await sent(pods, "PATCH", f"{PODS}/bound", {"metadata": {"finalizers": [OTHER]}})
        await sent(pods, "DELETE", f"{PODS}/bound", gracePeriodSeconds="0")
        assert (await sent(pods, "GET", f"{PODS}/bound"))["metadata"]["deletionGracePeriodSeconds"] == 0
        await sent(pods, "PATCH", f"{PODS}/bound", {"metadata": {"finalizers": None}})
        assert await names(pods, PODS) == ["free"]


class TestCollections:
    """deletecollection: what is chosen, and how much of it at once."""

    @pytest.fixture
    async def maps(self, api: LocalApi) -> LocalApi:
        for index in range(6):
            await conf(api, f"c{index}", labels={"even": str(index % 2 == 0).lower()})
        return api

    async def test_selectors_choose(self, maps: LocalApi) -> None:
        gone = await sent(maps, "DELETE", MAPS, labelSelector="even=true")
        assert [item["metadata"]["name"] for item in gone["items"]] == ["c0", "c2", "c4"]
        await sent(maps, "DELETE", MAPS, fieldSelector="metadata.name=c1")
        assert await names(maps) == ["c3", "c5"]
        await sent(maps, "DELETE", MAPS, labelSelector="even!=false")
        assert await names(maps) == ["c3", "c5"]

    async def test_a_limit_bounds_what_is_deleted_and_the_rest_can_be_continued(self, maps: LocalApi) -> None:
        first = await sent(maps, "DELETE", MAPS, limit="4")
        assert len(first["items"]) == 4
        assert first["metadata"]["remainingItemCount"] == 2
        assert await names(maps) == ["c4", "c5"]
        second = await sent(maps, "DELETE", MAPS, limit="4", **{"continue": first["metadata"]["continue"]})
        assert [item["metadata"]["name"] for item in second["items"]] == ["c4", "c5"]
        assert "continue" not in second["metadata"]
        assert await names(maps) == []

    async def test_preconditions_stop_at_what_they_do_not_fit(self, maps: LocalApi) -> None:
        with pytest.raises(Conflict, match="UID in precondition: other"):
            await sent(maps, "DELETE", MAPS, {"preconditions": {"uid": "other"}})
        assert len(await names(maps)) == 6

    async def test_what_is_held_is_marked(self, maps: LocalApi) -> None:
        await sent(maps, "PATCH", f"{MAPS}/c0", {"metadata": {"finalizers": [OTHER]}})
        await sent(maps, "DELETE", MAPS, {"propagationPolicy": "Background"})
        (left,) = (await sent(maps, "GET", MAPS))["items"]
        assert left["metadata"]["name"] == "c0"
        assert left["metadata"]["deletionTimestamp"]

    async def test_other_namespaces_are_left_alone(self, maps: LocalApi) -> None:
        await sent(maps, "POST", "/api/v1/namespaces", {"metadata": {"name": "other"}})
        other = "/api/v1/namespaces/other/configmaps"
        await sent(maps, "POST", other, {"metadata": {"name": "kept"}})
        await sent(maps, "DELETE", MAPS)
        assert await names(maps) == []
        assert "kept" in await names(maps, other)


async def test_a_namespace_ends_in_two_steps(api: LocalApi) -> None:
    await sent(api, "POST", "/api/v1/namespaces", {"metadata": {"name": "a"}})
    ending = await sent(api, "DELETE", "/api/v1/namespaces/a")
    assert ending["status"]["phase"] == "Terminating"
    assert await sent(api, "DELETE", "/api/v1/namespaces/a") == ending
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "spec": {"finalizers": []}}
    await sent(api, "PUT", "/api/v1/namespaces/a/finalize", body)
    with pytest.raises(NotFound):
        await sent(api, "GET", "/api/v1/namespaces/a")
