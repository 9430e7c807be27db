from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object, Resource
from cloudk8s.client.objects import finalizers_of, is_deleting, name_of, owner_references_of, uid_of
from cloudk8s.client.resources import (
    BUILT_IN,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    NODES,
    PODS,
    REPLICATION_CONTROLLERS,
)
from cloudk8s.controllers.garbage_collector.controller import GarbageCollector
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import Action, FakeClient
from tests.controllers.harness import NS, Harness, pod, running

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")
WIDGET: Object = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": NS}}
DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
}  # fmt: skip


def controller(name: str = "rc") -> Object:
    metadata = {"name": name, "namespace": NS, "uid": f"{name}-uid"}
    return {"apiVersion": "v1", "kind": "ReplicationController", "metadata": metadata, "spec": {"replicas": 0}}


def owned(name: str, *owners: str, block: bool = True, kind: str = "ReplicationController") -> Object:
    references = [
        {"apiVersion": "v1", "kind": kind, "name": owner, "uid": f"{owner}-uid", "blockOwnerDeletion": block}
        for owner in owners
    ]
    return pod(name, ownerReferences=references, uid=f"{name}-uid")


async def delete(run: Harness, name: str, policy: Any, resource: Resource = REPLICATION_CONTROLLERS) -> None:
    await run.client.delete(resource, name, namespace=NS, options=DeleteOptions(propagation_policy=policy))


async def add_widget(client: FakeClient) -> None:
    """A custom object, and a pod that it owns."""
    made = await client.create(WIDGETS, WIDGET)
    reference = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "w", "uid": uid_of(made)}
    client.add(pod("of-widget", ownerReferences=[reference]))


def hold(obj: Object) -> Object:
    obj["metadata"]["finalizers"] = ["example.com/hold"]
    return obj


async def let_go(run: Harness, name: str) -> None:
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/hold"]}}
    await run.client.patch(PODS, name, patch, namespace=NS, type="strategic")


async def test_dependents_go_after_their_owner_in_the_background() -> None:
    objects = [controller(), *(owned(f"p{n}", "rc") for n in range(10)), pod("free")]
    async with running(GarbageCollector, objects=objects) as run:
        await run.settle()
        assert len(run.names(PODS)) == 11
        await delete(run, "rc", "Background")
        assert run.names(REPLICATION_CONTROLLERS) == []
        await run.settle()
        assert run.names(PODS) == ["free"]


async def test_orphaned_dependents_stay_and_lose_their_reference() -> None:
    objects = [controller(), controller("rc2"), owned("p", "rc"), owned("q", "rc", "rc2")]
    async with running(GarbageCollector, objects=objects) as run:
        await run.settle()
        await delete(run, "rc", "Orphan")
        await run.settle()
        assert run.names(REPLICATION_CONTROLLERS) == ["rc2"]
        assert owner_references_of(run.get(PODS, "p")) == ()
        assert [r["name"] for r in owner_references_of(run.get(PODS, "q"))] == ["rc2"]


async def test_an_owner_deleted_in_the_foreground_waits_for_what_blocks_it() -> None:
    objects = [controller(), hold(owned("blocking", "rc")), hold(owned("other", "rc", block=False))]
    async with running(GarbageCollector, objects=objects) as run:
        await run.settle()
        await delete(run, "rc", "Foreground")
        await run.settle()
        assert finalizers_of(run.get(REPLICATION_CONTROLLERS, "rc")) == ["foregroundDeletion"]
        assert is_deleting(run.get(PODS, "blocking"))
        assert is_deleting(run.get(PODS, "other"))
        await let_go(run, "blocking")
        await run.settle()
        assert run.names(REPLICATION_CONTROLLERS) == []
        assert run.names(PODS) == ["other"]


async def test_a_dependent_with_another_owner_survives_the_foreground_deletion_of_one() -> None:
    objects = [controller("a"), controller("b"), owned("shared", "a", "b"), owned("alone", "a")]
    async with running(GarbageCollector, objects=objects) as run:
        await run.settle()
        await delete(run, "a", "Foreground")
        await run.settle()
        assert run.names(PODS) == ["shared"]
        assert [r["name"] for r in owner_references_of(run.get(PODS, "shared"))] == ["b"]
        assert not is_deleting(run.get(PODS, "shared"))
        assert run.names(REPLICATION_CONTROLLERS) == ["b"]


async def test_a_circle_of_owners_does_not_wait_for_ever() -> None:
    objects = [owned("p1", "p3", kind="Pod"), owned("p2", "p1", kind="Pod"), owned("p3", "p2", kind="Pod")]
    async with running(GarbageCollector, objects=objects) as run:
        await run.settle()
        await delete(run, "p1", "Foreground", PODS)
        await run.settle(10)
        assert run.names(PODS) == []


async def test_an_object_made_after_its_owner_went_is_collected() -> None:
    async with running(GarbageCollector) as run:
        await run.settle()
        run.client.add(owned("late", "gone"))
        await run.settle()
        assert run.names(PODS) == []


async def test_an_owner_of_the_same_name_with_another_uid_is_not_the_owner() -> None:
    replaced = controller()
    replaced["metadata"]["uid"] = "another"
    async with running(GarbageCollector, objects=[replaced, owned("p", "rc")]) as run:
        await run.settle()
        assert run.names(PODS) == []


async def test_absent_owners_are_dropped_while_one_is_there() -> None:
    async with running(GarbageCollector, objects=[controller(), owned("p", "rc", "gone")]) as run:
        await run.settle()
        assert [r["name"] for r in owner_references_of(run.get(PODS, "p"))] == ["rc"]


async def test_deletion_goes_down_the_generations() -> None:
    middle = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**owned("middle", "rc")["metadata"]},
    }
    bottom = owned("bottom", "middle", kind="ConfigMap")
    async with running(GarbageCollector, objects=[controller(), middle, bottom]) as run:
        await run.settle()
        await delete(run, "rc", "Background")
        await run.settle()
        assert run.names(CONFIG_MAPS) == run.names(PODS) == []


async def test_nothing_is_deleted_while_owners_cannot_be_asked_for() -> None:
    def refuse(action: Action) -> None:
        if action.verb == "get" and action.resource == REPLICATION_CONTROLLERS:
            raise ServiceUnavailable("down")

    async with running(GarbageCollector) as run:
        stop = run.client.on(refuse)
        run.client.add(owned("p", "gone"))
        await run.settle(3)
        assert run.names(PODS) == ["p"]
        stop()
        await run.settle(20)
        assert run.names(PODS) == []


async def test_an_owner_of_a_kind_that_is_not_served_is_left_alone() -> None:
    async with running(GarbageCollector, objects=[owned("p", "x", kind="Unheard")]) as run:
        await run.settle(3)
        assert run.names(PODS) == ["p"]


async def test_a_namespaced_owner_of_a_cluster_object_is_left_alone() -> None:
    metadata = {key: value for key, value in owned("n", "rc")["metadata"].items() if key != "namespace"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
    async with running(GarbageCollector, objects=[node]) as run:
        await run.settle(3)
        assert run.names(NODES) == ["n"]
        owner = "[v1/ReplicationController, namespace: , name: rc, uid: rc-uid]"
        assert run.events("n") == [("OwnerRefInvalidNamespace", f'ownerRef {owner} does not exist in namespace ""')]


async def test_an_owner_in_another_namespace_is_none_and_said_to_be() -> None:
    away = controller("away")
    away["metadata"]["namespace"] = "other"
    async with running(GarbageCollector, objects=[away, controller(), owned("p", "away", "rc")]) as run:
        await run.settle(3)
        assert [reference["name"] for reference in owner_references_of(run.get(PODS, "p"))] == ["rc"]
        owner = f"[v1/ReplicationController, namespace: {NS}, name: away, uid: away-uid]"
        note = f'ownerRef {owner} does not exist in namespace "{NS}"'
        assert run.events("p") == [("OwnerRefInvalidNamespace", note)]


async def test_what_lost_its_owner_is_not_blamed() -> None:
    async with running(GarbageCollector, objects=[controller(), owned("p", "rc")]) as run:
        await run.settle()
        await delete(run, "rc", "Background")
        await run.settle(3)
        assert run.names(PODS) == []
        assert run.events() == []


async def test_custom_kinds_are_collected_soon_after_they_appear() -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock, resources=BUILT_IN)
    async with running(GarbageCollector, client=client, clock=clock) as run:
        await run.settle()
        client.resources.append(WIDGETS)
        client.add(DEFINITION)
        await run.settle(3)
        await add_widget(client)
        client.add({**WIDGET, "metadata": {**owned("orphaned", "gone")["metadata"]}})
        await run.settle()
        assert run.names(WIDGETS) == ["w"]
        await client.delete(WIDGETS, "w", namespace=NS)
        await run.settle()
        assert run.names(PODS) == []
        await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "widgets.example.com")
        client.resources.remove(WIDGETS)
        await run.settle(3)


async def test_an_owner_that_went_before_its_kind_was_watched_leaves_nothing() -> None:
    clock = FakeClock()
    client = FakeClient(clock=clock, resources=BUILT_IN)
    async with running(GarbageCollector, client=client, clock=clock) as run:
        await run.settle()
        client.resources.append(WIDGETS)
        await add_widget(client)
        await run.settle()
        await client.delete(WIDGETS, "w", namespace=NS)
        client.add(DEFINITION)
        await run.settle(3)
        assert run.names(PODS) == []


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_lost_watches_lose_no_garbage(policy: str) -> None:
    objects = [controller(), *(owned(f"p{n}", "rc") for n in range(20))]
    async with running(GarbageCollector, objects=objects) as run:
        await run.settle()
        run.client.drop_watches()
        await delete(run, "rc", policy)
        run.client.compact()
        await run.settle(120, step=1)
        assert run.names(PODS) == []
        assert run.names(REPLICATION_CONTROLLERS) == []


async def test_a_dependent_that_gets_a_new_owner_meanwhile_is_kept() -> None:
    async with running(GarbageCollector, objects=[controller(), owned("p", "rc")]) as run:
        await run.settle()
        new = {"apiVersion": "v1", "kind": "ReplicationController", "name": "rc2", "uid": "rc2-uid"}
        run.client.add(controller("rc2"))

        def adopt(action: Action) -> None:
            if action.verb == "delete" and action.resource == PODS:
                stop()
                found = run.get(PODS, "p")
                changed = {**found, "metadata": {**found["metadata"], "ownerReferences": [new]}}
                run.client.store.put(PODS, changed, found)

        stop = run.client.on(adopt)
        await delete(run, "rc", "Background")
        await run.settle()
        assert [name_of(p) for p in run.client.all(PODS)] == ["p"]


async def test_it_can_be_switched_off() -> None:
    options = ControllerSettings(enable_garbage_collector=False)
    async with running(GarbageCollector, objects=[controller(), owned("child", "rc")], options=options) as run:
        await run.client.delete(REPLICATION_CONTROLLERS, "rc", namespace=NS)
        await run.settle(40, step=1)
        assert run.names(PODS) == ["child"]
