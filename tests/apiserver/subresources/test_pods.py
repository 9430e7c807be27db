"""What is posted or written to parts of a pod: binding, eviction, status, ephemeral containers, resize."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.errors import BadRequest, Conflict, Invalid, NotFound, StatusError, TooManyRequests
from cloudk8s.machinery import codec
from tests.apiserver.handlers.conftest import api

__all__ = ["api"]
NS = "/api/v1/namespaces/default"
PODS = f"{NS}/pods"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
MERGE = {"content-type": "application/merge-patch+json"}
STRATEGIC = {"content-type": "application/strategic-merge-patch+json"}
READY = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}


async def sent(api: LocalApi, method: str, path: str, body: Any = None, **query: str) -> Any:
    headers = MERGE if method == "PATCH" else None
    return codec.decode(joined(await api.call(method, path, query, body, headers)))


@pytest.fixture(autouse=True)
async def account(api: LocalApi) -> None:
    await sent(api, "POST", f"{NS}/serviceaccounts", {"metadata": {"name": "default"}})


async def pod(api: LocalApi, name: str = "web", **spec: Any) -> Any:
    spec = {"containers": [{"name": "c", "image": "i:1", "resources": {"requests": {"cpu": "1"}}}], **spec}
    return await sent(api, "POST", PODS, {"metadata": {"name": name, "labels": {"app": "web"}}, "spec": spec})


def binding(name: str = "web", node: str = "n1", **metadata: Any) -> Any:
    return {"metadata": {"name": name, **metadata}, "target": {"kind": "Node", "name": node}}


class TestBinding:
    async def test_a_pod_comes_to_a_node_once(self, api: LocalApi) -> None:
        await pod(api)
        answer = await sent(api, "POST", f"{PODS}/web/binding", binding(annotations={"a": "b"}, labels={"x": "y"}))
        assert (answer["kind"], answer["status"], answer["code"]) == ("Status", "Success", 201)
        bound = await sent(api, "GET", f"{PODS}/web")
        assert bound["spec"]["nodeName"] == "n1"
        assert bound["metadata"]["annotations"] == {"a": "b"}
        assert bound["metadata"]["labels"] == {"app": "web", "x": "y"}
        assert {item["type"]: item["status"] for item in bound["status"]["conditions"]}["PodScheduled"] == "True"
        with pytest.raises(Conflict, match='pod web is already assigned to node "n1"'):
            await sent(api, "POST", f"{PODS}/web/binding", binding(node="n2"))

    async def test_bindings_can_be_posted_to_their_own_collection(self, api: LocalApi) -> None:
        await pod(api)
        await sent(api, "POST", f"{NS}/bindings", binding())
        assert (await sent(api, "GET", f"{PODS}/web"))["spec"]["nodeName"] == "n1"

    async def test_a_dry_run_binds_nothing(self, api: LocalApi) -> None:
        await pod(api)
        await sent(api, "POST", f"{PODS}/web/binding", binding(), dryRun="All")
        assert "nodeName" not in (await sent(api, "GET", f"{PODS}/web"))["spec"]

    @pytest.mark.parametrize(
        ("spec", "body", "error", "said"),
        [
            ({}, binding("other"), BadRequest, "name in URL does not match name in Binding object"),
            ({}, binding(uid="other"), Conflict, "UID in precondition: other"),
            ({}, binding(node=""), StatusError, "target.name: Required value"),
            ({"schedulingGates": [{"name": "a.b/c"}]}, binding(), Conflict, "has non-empty .spec.schedulingGates"),
        ],
    )
    async def test_what_cannot_be_bound_is_refused(
        self, api: LocalApi, spec: Any, body: Any, error: type[StatusError], said: str
    ) -> None:
        await pod(api, **spec)
        with pytest.raises(error, match=said):
            await sent(api, "POST", f"{PODS}/web/binding", body)

    async def test_a_pod_that_goes_or_is_not_there_is_not_bound(self, api: LocalApi) -> None:
        with pytest.raises(NotFound, match='pods "web" not found'):
            await sent(api, "POST", f"{PODS}/web/binding", binding())
        await pod(api)
        await sent(api, "PATCH", f"{PODS}/web", {"metadata": {"finalizers": ["a.b/c"]}})
        await sent(api, "DELETE", f"{PODS}/web")
        with pytest.raises(Conflict, match="is being deleted, cannot be assigned to a host"):
            await sent(api, "POST", f"{PODS}/web/binding", binding())


class TestEviction:
    @pytest.fixture
    async def running(self, api: LocalApi) -> None:
        await pod(api, nodeName="n1")
        await sent(api, "PATCH", f"{PODS}/web/status", READY)

    async def budget(self, api: LocalApi, name: str, allowed: int) -> None:
        spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
        await sent(api, "POST", BUDGETS, {"metadata": {"name": name}, "spec": spec})
        status = {"observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 1 + allowed}
        status |= {"desiredHealthy": 1, "expectedPods": 2}
        await sent(api, "PATCH", f"{BUDGETS}/{name}/status", {"status": status})

    async def evict(self, api: LocalApi, **options: Any) -> Any:
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}}
        return await sent(api, "POST", f"{PODS}/web/eviction", body | ({"deleteOptions": options} if options else {}))

    async def test_without_a_budget_a_pod_is_evicted(self, api: LocalApi, running: None) -> None:
        assert (await self.evict(api))["status"] == "Success"
        evicted = await sent(api, "GET", f"{PODS}/web")
        assert evicted["metadata"]["deletionGracePeriodSeconds"] == 30
        conditions = {item["type"]: item for item in evicted["status"]["conditions"]}
        assert conditions["DisruptionTarget"]["reason"] == "EvictionByEvictionAPI"

    async def test_a_budget_pays_for_an_eviction(self, api: LocalApi, running: None) -> None:
        await self.budget(api, "b", 1)
        await self.evict(api)
        status = (await sent(api, "GET", f"{BUDGETS}/b"))["status"]
        assert status["disruptionsAllowed"] == 0
        assert list(status["disruptedPods"]) == ["web"]

    async def test_a_budget_that_is_used_up_refuses(self, api: LocalApi, running: None) -> None:
        await self.budget(api, "b", 0)
        with pytest.raises(TooManyRequests, match="as it would violate the pod's disruption budget") as refused:
            await self.evict(api)
        (cause,) = refused.value.status["details"]["causes"]
        assert cause["reason"] == "DisruptionBudget"
        assert "The disruption budget b needs 1 healthy pods and has 1 currently" in cause["message"]
        assert "deletionTimestamp" not in (await sent(api, "GET", f"{PODS}/web"))["metadata"]

    async def test_two_budgets_are_a_mistake(self, api: LocalApi, running: None) -> None:
        for name in ("a", "b"):
            await self.budget(api, name, 1)
        with pytest.raises(StatusError, match="more than one PodDisruptionBudget") as refused:
            await self.evict(api)
        assert refused.value.status["code"] == 500

    async def test_preconditions_of_an_eviction_hold(self, api: LocalApi, running: None) -> None:
        with pytest.raises(Conflict, match=r"the UID in the precondition \(other\) does not match"):
            await self.evict(api, preconditions={"uid": "other"})
        await self.evict(api, dryRun=["All"])
        assert "deletionTimestamp" not in (await sent(api, "GET", f"{PODS}/web"))["metadata"]


async def test_spec_and_status_are_written_apart(api: LocalApi) -> None:
    made = await pod(api)
    both = {"metadata": {"labels": {"new": "1"}}, "spec": {"containers": [{"name": "c", "image": "i:2"}]}, **READY}
    written = codec.decode(joined(await api.call("PATCH", f"{PODS}/web/status", None, both, STRATEGIC)))
    assert written["status"]["phase"] == "Running"
    assert written["spec"] == made["spec"]
    assert written["metadata"]["generation"] == made["metadata"]["generation"]
    again = {"spec": both["spec"], "status": {"phase": "Failed"}}
    changed = codec.decode(joined(await api.call("PATCH", f"{PODS}/web", None, again, STRATEGIC)))
    assert changed["spec"]["containers"][0]["image"] == "i:2"
    assert changed["status"]["phase"] == "Running"
    assert changed["metadata"]["generation"] == made["metadata"]["generation"] + 1


async def test_ephemeral_containers_come_and_stay(api: LocalApi) -> None:
    await pod(api)
    path = f"{PODS}/web/ephemeralcontainers"
    first = {"name": "debug", "image": "busybox", "targetContainerName": "c"}
    added = await sent(api, "PATCH", path, {"spec": {"ephemeralContainers": [first]}})
    assert [item["name"] for item in added["spec"]["ephemeralContainers"]] == ["debug"]
    for containers in ([], [first | {"image": "other"}]):
        with pytest.raises(Invalid, match=r"may not be (removed|changed)|existing ephemeral containers"):
            await sent(api, "PATCH", path, {"spec": {"ephemeralContainers": containers}})
    with pytest.raises(Invalid, match="targetContainerName"):
        await sent(
            api,
            "PATCH",
            path,
            {"spec": {"ephemeralContainers": [first, first | {"name": "x", "targetContainerName": "z"}]}},
        )
    with pytest.raises(Invalid, match="pod updates may not change fields"):
        await sent(api, "PATCH", f"{PODS}/web", {"spec": {"ephemeralContainers": [first, first | {"name": "y"}]}})


async def test_only_a_resize_changes_resources(api: LocalApi) -> None:
    await pod(api)
    change = {"spec": {"containers": [{"name": "c", "image": "i:1", "resources": {"requests": {"cpu": "2"}}}]}}
    with pytest.raises(Invalid, match="pod updates may not change fields"):
        await api.call("PATCH", f"{PODS}/web", None, change, STRATEGIC)
    resized = codec.decode(joined(await api.call("PATCH", f"{PODS}/web/resize", None, change, STRATEGIC)))
    assert resized["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "2"}
    image = {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}
    unchanged = codec.decode(joined(await api.call("PATCH", f"{PODS}/web/resize", None, image, STRATEGIC)))
    assert unchanged["spec"]["containers"][0]["image"] == "i:1", "a resize is about resources alone"
