from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, is_deleting, status_of
from cloudk8s.client.resources import CONFIG_MAPS, NAMESPACES, PODS, SERVICES
from cloudk8s.controllers.namespace.conditions import GOOD
from cloudk8s.controllers.namespace.controller import NamespaceController
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.testing.fake_client import Action
from tests.controllers.harness import Harness, namespace, pod, running


def config_map(name: str, **metadata: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a", **metadata}}


def is_true(run: Harness, type: str) -> bool:
    found = condition(run.get(NAMESPACES, "a"), type)
    assert found is not None
    return bool(found["status"] == "True")


async def test_a_deleted_namespace_takes_everything_with_it() -> None:
    service = {**config_map("s"), "kind": "Service"}
    other = {**config_map("kept"), "metadata": {"name": "kept", "namespace": "b"}}
    objects = [namespace("a"), namespace("b"), pod("p", namespace="a"), config_map("c"), service, other]
    async with running(NamespaceController, objects=objects) as run:
        await run.settle()
        await run.client.delete(NAMESPACES, "a")
        await run.settle(2)
        assert run.names(NAMESPACES) == ["b"]
        assert run.names(PODS) == run.names(SERVICES) == []
        assert run.names(CONFIG_MAPS) == ["kept"]


async def test_pods_go_first_and_what_holds_them_is_told() -> None:
    held = pod("p", namespace="a", finalizers=["example.com/hold"])
    async with running(NamespaceController, objects=[namespace("a"), held, config_map("c")]) as run:
        await run.client.delete(NAMESPACES, "a")
        await run.settle(5)
        assert is_deleting(run.get(PODS, "p", "a"))
        assert run.names(CONFIG_MAPS) == ["c"]
        assert status_of(run.get(NAMESPACES, "a"))["phase"] == "Terminating"
        assert {c["type"] for c in status_of(run.get(NAMESPACES, "a"))["conditions"]} == set(GOOD)
        assert is_true(run, "NamespaceContentRemaining")
        remaining = condition(run.get(NAMESPACES, "a"), "NamespaceContentRemaining")
        assert remaining is not None
        assert remaining["message"] == "Some resources are remaining: pods. has 1 resource instances"
        finalizers = condition(run.get(NAMESPACES, "a"), "NamespaceFinalizersRemaining")
        assert finalizers is not None
        assert finalizers["message"].endswith("finalizers remaining: example.com/hold in 1 resource instances")
        assert not is_true(run, "NamespaceDeletionContentFailure")
        await run.client.patch(PODS, "p", {"metadata": {"finalizers": None}}, namespace="a")
        await run.settle(20)
        assert run.names(NAMESPACES) == run.names(CONFIG_MAPS) == []


async def test_pods_get_their_grace_period() -> None:
    graceful = pod("p", namespace="a")
    graceful["spec"] |= {"nodeName": "n1", "terminationGracePeriodSeconds": 30}
    async with running(NamespaceController, objects=[namespace("a"), graceful, config_map("c")]) as run:
        run.has_kubelet = False
        await run.client.delete(NAMESPACES, "a")
        await run.settle(20)
        assert not is_true(run, "NamespaceDeletionContentFailure")
        run.has_kubelet = True
        await run.settle(20)
        assert run.names(NAMESPACES) == []


async def test_what_cannot_be_deleted_is_told_and_tried_again() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "deletecollection" and action.resource == CONFIG_MAPS:
            raise ServiceUnavailable("no store")

    async with running(NamespaceController, objects=[namespace("a"), config_map("c")]) as run:
        stop = run.client.on(refuse)
        await run.client.delete(NAMESPACES, "a")
        await run.settle(3)
        failure = condition(run.get(NAMESPACES, "a"), "NamespaceDeletionContentFailure")
        assert failure is not None
        assert failure["reason"] == "ContentDeletionFailed"
        assert failure["message"] == "Failed to delete all resource types, 1 remaining: no store"
        stop()
        await run.settle(10)
        assert run.names(NAMESPACES) == []


async def test_finalizers_of_others_are_waited_for() -> None:
    async with running(NamespaceController) as run:
        held = namespace("a")
        held["spec"] = {"finalizers": ["kubernetes", "example.com/mine"]}
        run.client.add(held)
        await run.client.delete(NAMESPACES, "a")
        await run.settle(3)
        left = run.get(NAMESPACES, "a")
        assert left["spec"]["finalizers"] == ["example.com/mine"]
        await run.client.update(NAMESPACES, {**left, "spec": {}}, subresource="finalize")
        assert run.names(NAMESPACES) == []


async def test_an_active_namespace_is_not_touched() -> None:
    async with running(NamespaceController, objects=[namespace("a"), config_map("c")]) as run:
        await run.settle(60, step=5)
        assert run.names(CONFIG_MAPS) == ["c"]
        assert run.writes(NAMESPACES) == 0
