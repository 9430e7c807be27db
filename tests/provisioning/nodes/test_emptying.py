"""Nodes are emptied before their machines go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import NODES, PODS, VOLUME_ATTACHMENTS
from cloudk8s.errors import BadRequest, NotFound, TooManyRequests
from cloudk8s.provisioning.nodes.emptying import DrainPlan, empty


class Api:
    """The few calls that emptying makes; an eviction takes the pod away at once."""

    def __init__(self, *pods: Object, attached: Sequence[Object] = ()) -> None:
        self.objects = {PODS: list(pods), VOLUME_ATTACHMENTS: list(attached)}
        self.cordoned = False
        self.evicted: list[str] = []
        self.protected: set[str] = set()
        self.evictions = {"policy/v1"}
        self.has_node = True

    def list(self, resource: Resource, *, namespace: str = "", fields: str = "") -> Sequence[Object]:
        assert resource != PODS or fields == "spec.nodeName=n1"
        return list(self.objects[resource])

    def patch(self, resource: Resource, name: str, patch: Any) -> None:
        assert (resource, name, patch) == (NODES, "n1", {"spec": {"unschedulable": True}})
        if not self.has_node:
            raise NotFound("gone")
        self.cordoned = True

    def create(self, resource: Resource, obj: Object, *, name: str = "", subresource: str = "") -> None:
        assert (resource, subresource, obj["kind"]) == (PODS, "eviction", "Eviction")
        if obj["apiVersion"] not in self.evictions:
            raise BadRequest(f'no kind "Eviction" is registered for version {obj["apiVersion"]}')
        if name in self.protected:
            raise TooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.")
        self.evicted.append(name)
        self.objects[PODS] = [pod for pod in self.objects[PODS] if pod["metadata"]["name"] != name]


def pod(name: str, *, owner: str = "", phase: str = "Running", mirror: bool = False, labels: Any = None) -> Object:
    metadata: dict[str, Any] = {"name": name, "namespace": "shop", "labels": labels or {}}
    if owner:
        metadata["ownerReferences"] = [{"kind": owner, "name": "o", "uid": "u", "controller": True}]
    if mirror:
        metadata["annotations"] = {"kubernetes.io/config.mirror": "x"}
    return {"metadata": metadata, "spec": {"nodeName": "n1"}, "status": {"phase": phase}}


def drain(api: Api, plan: DrainPlan | None = None) -> str:
    return empty(api, "n1", plan)  # type: ignore[arg-type]


def test_servers_before_1_22_evict_too() -> None:
    api = Api(pod("web"), pod("kept"))
    api.evictions, api.protected = {"policy/v1beta1"}, {"kept"}
    assert drain(api) == "a disruption budget keeps shop/kept on n1"
    assert api.evicted == ["web"]


def test_pods_are_evicted_from_a_closed_node() -> None:
    api = Api(pod("web"))
    assert drain(api) == "shop/web still leaving n1"
    assert (api.cordoned, api.evicted) == (True, ["web"])
    assert drain(api) == ""


def test_what_stays_with_its_node_is_no_hindrance() -> None:
    stays = {"cluster.x-k8s.io/drain": "skip"}
    api = Api(
        pod("log", owner="DaemonSet"), pod("etcd", mirror=True), pod("done", phase="Succeeded"), pod("no", labels=stays)
    )
    assert drain(api) == ""
    assert api.evicted == []


def test_what_a_budget_protects_is_named_and_asked_for_again() -> None:
    api = Api(pod("db"), pod("web"))
    api.protected = {"db"}
    assert drain(api) == "a disruption budget keeps shop/db on n1"
    api.protected = set()
    assert drain(api) == "shop/db still leaving n1"
    assert drain(api) == ""


def test_a_pod_that_may_finish_is_waited_for() -> None:
    api = Api(pod("job", labels={"cluster.x-k8s.io/drain": "wait-completed"}), pod("web"))
    drain(api)
    assert drain(api) == "shop/job may finish on n1"
    assert api.evicted == ["web"]
    api.objects[PODS][0]["status"]["phase"] = "Succeeded"
    assert drain(api) == ""


def test_rules_give_an_order() -> None:
    last = {"drain": {"behavior": "Drain", "order": 10}, "pods": [{"selector": {"matchLabels": {"app": "db"}}}]}
    plan = DrainPlan([{"metadata": {"name": "db"}, "spec": last}])
    api = Api(pod("db", labels={"app": "db"}), pod("web", labels={"app": "web"}))
    drain(api, plan)
    assert api.evicted == ["web"]
    drain(api, plan)
    assert api.evicted == ["web", "db"]


def test_volumes_must_have_left_too() -> None:
    attached = {"metadata": {"name": "csi-1"}, "spec": {"nodeName": "n1", "source": {"persistentVolumeName": "pv-1"}}}
    other = {"metadata": {"name": "csi-2"}, "spec": {"nodeName": "n2", "source": {"persistentVolumeName": "pv-2"}}}
    api = Api(attached=[attached, other])
    assert drain(api) == "volumes pv-1 still attached to n1"
    api.objects[VOLUME_ATTACHMENTS] = [other]
    assert drain(api) == ""


@pytest.mark.parametrize("protected", [True, False])
def test_a_node_that_is_gone_is_empty(protected: bool) -> None:
    api = Api(pod("web"))
    api.has_node = False
    assert drain(api) == ""
    assert api.evicted == []
