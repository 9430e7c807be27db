"""What every `Client` must do, whatever is behind it: subclass `ClientContract` and give it a `client` fixture.

The server behind the client must be empty but for its own objects and have the namespace "contract".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from cloudk8s.client.interface import Client, DeleteOptions, ListOptions, WatchEvent
from cloudk8s.client.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SECRETS
from cloudk8s.errors import AlreadyExists, BadRequest, Conflict, Invalid, NotFound
from cloudk8s.machinery import codec

NS = "contract"


def config_map(name: str = "", *, labels: dict[str, str] | None = None, **data: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name} if name else {"generateName": "generated-"}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(name: str = "web") -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


async def take(events: AsyncIterator[WatchEvent], count: int) -> list[WatchEvent]:
    """The next events that are not bookmarks."""
    found: list[WatchEvent] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            event = await anext(events)
            if event.type != "BOOKMARK":
                found.append(event)
    return found


class ClientContract:
    """Inherit as `class TestMine(ClientContract)`."""

    async def test_what_is_created_can_be_read(self, client: Client) -> None:
        made = await client.create(CONFIG_MAPS, config_map("x", v="1"), namespace=NS)
        assert made["metadata"]["namespace"] == NS
        assert made["metadata"]["uid"]
        assert made["metadata"]["creationTimestamp"]
        assert await client.get(CONFIG_MAPS, "x", namespace=NS) == made

    async def test_generated_names_differ(self, client: Client) -> None:
        names = [(await client.create(CONFIG_MAPS, config_map(), namespace=NS))["metadata"]["name"] for _ in range(3)]
        assert len(set(names)) == 3
        assert all(name.startswith("generated-") and len(name) == len("generated-") + 5 for name in names)

    async def test_errors_have_their_class_and_details(self, client: Client) -> None:
        with pytest.raises(NotFound) as missing:
            await client.get(DEPLOYMENTS, "none", namespace=NS)
        assert missing.value.message == 'deployments.apps "none" not found'
        assert missing.value.status["details"] == {"name": "none", "group": "apps", "kind": "deployments"}
        await client.create(CONFIG_MAPS, config_map("x"), namespace=NS)
        with pytest.raises(AlreadyExists):
            await client.create(CONFIG_MAPS, config_map("x"), namespace=NS)

    async def test_an_update_of_an_old_version_conflicts(self, client: Client) -> None:
        first = await client.create(CONFIG_MAPS, config_map("x", v="1"), namespace=NS)
        changed = codec.copy(first)
        changed["data"] = {"v": "2"}
        second = await client.update(CONFIG_MAPS, changed)
        assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
        with pytest.raises(Conflict):
            await client.update(CONFIG_MAPS, changed)

    async def test_an_update_that_changes_nothing_writes_nothing(self, client: Client) -> None:
        first = await client.create(CONFIG_MAPS, config_map("x", v="1"), namespace=NS)
        same = await client.update(CONFIG_MAPS, codec.copy(first))
        assert same["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]

    async def test_a_dry_run_writes_nothing(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("x", v="1"), namespace=NS, dry_run=True)
        with pytest.raises(NotFound):
            await client.get(CONFIG_MAPS, "x", namespace=NS)

    async def test_status_and_spec_are_written_apart(self, client: Client) -> None:
        made = await client.create(DEPLOYMENTS, deployment(), namespace=NS)
        assert made["metadata"]["generation"] == 1
        change = codec.copy(made)
        change["spec"]["replicas"] = 5
        change["status"] = {"replicas": 7, "observedGeneration": 1}
        stored = await client.update(DEPLOYMENTS, change, subresource="status")
        assert (stored["spec"]["replicas"], stored["status"]["replicas"]) == (2, 7)
        assert stored["metadata"]["generation"] == 1
        change["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        change["status"]["replicas"] = 9
        stored = await client.update(DEPLOYMENTS, change)
        assert (stored["spec"]["replicas"], stored["status"]["replicas"]) == (5, 7)
        assert stored["metadata"]["generation"] == 2

    async def test_scale_is_read_and_written(self, client: Client) -> None:
        await client.create(DEPLOYMENTS, deployment(), namespace=NS)
        scale = codec.copy(await client.get(DEPLOYMENTS, "web", namespace=NS, subresource="scale"))
        assert (scale["kind"], scale["spec"], scale["status"]["selector"]) == ("Scale", {"replicas": 2}, "app=web")
        scale["spec"]["replicas"] = 4
        await client.update(DEPLOYMENTS, scale, subresource="scale")
        assert (await client.get(DEPLOYMENTS, "web", namespace=NS))["spec"]["replicas"] == 4

    async def test_merge_patch(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("x", a="1", b="2"), namespace=NS)
        patched = await client.patch(CONFIG_MAPS, "x", {"data": {"a": None, "c": "3"}}, namespace=NS)
        assert patched["data"] == {"b": "2", "c": "3"}

    async def test_json_patch(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("x", a="1"), namespace=NS)
        patch = [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "replace", "path": "/data/a", "value": "2"}]
        assert (await client.patch(CONFIG_MAPS, "x", patch, namespace=NS, type="json"))["data"] == {"a": "2"}
        with pytest.raises(Invalid):
            await client.patch(CONFIG_MAPS, "x", patch, namespace=NS, type="json")

    async def test_strategic_patch_merges_lists_by_key(self, client: Client) -> None:
        await client.create(DEPLOYMENTS, deployment(), namespace=NS)
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "other"}]}}}}
        patched = await client.patch(DEPLOYMENTS, "web", patch, namespace=NS, type="strategic")
        (container,) = patched["spec"]["template"]["spec"]["containers"]
        assert (container["name"], container["image"]) == ("c", "other")

    async def test_a_finalizer_holds_a_deleted_object(self, client: Client) -> None:
        obj = config_map("x")
        obj["metadata"]["finalizers"] = ["example.com/hold"]
        await client.create(CONFIG_MAPS, obj, namespace=NS)
        await client.delete(CONFIG_MAPS, "x", namespace=NS)
        held = await client.get(CONFIG_MAPS, "x", namespace=NS)
        assert held["metadata"]["deletionTimestamp"]
        await client.patch(CONFIG_MAPS, "x", {"metadata": {"finalizers": None}}, namespace=NS)
        with pytest.raises(NotFound):
            await client.get(CONFIG_MAPS, "x", namespace=NS)

    async def test_delete_has_preconditions(self, client: Client) -> None:
        made = await client.create(CONFIG_MAPS, config_map("x"), namespace=NS)
        with pytest.raises(Conflict):
            await client.delete(CONFIG_MAPS, "x", namespace=NS, options=DeleteOptions(uid="other"))
        await client.delete(CONFIG_MAPS, "x", namespace=NS, options=DeleteOptions(uid=made["metadata"]["uid"]))
        with pytest.raises(NotFound):
            await client.delete(CONFIG_MAPS, "x", namespace=NS)

    @pytest.mark.parametrize(
        ("policy", "finalizer"), [("Orphan", "orphan"), ("Foreground", "foregroundDeletion")]
    )  # fmt: skip
    async def test_propagation_policies_are_finalizers(self, client: Client, policy: Any, finalizer: str) -> None:
        await client.create(DEPLOYMENTS, deployment(), namespace=NS)
        await client.delete(DEPLOYMENTS, "web", namespace=NS, options=DeleteOptions(propagation_policy=policy))
        held = await client.get(DEPLOYMENTS, "web", namespace=NS)
        assert held["metadata"]["finalizers"] == [finalizer]

    async def test_lists_select_by_label_field_and_namespace(self, client: Client) -> None:
        for name, tier in (("a", "web"), ("b", "db"), ("c", "web")):
            await client.create(CONFIG_MAPS, config_map(name, labels={"tier": tier}), namespace=NS)

        async def names(label_selector: str = "", field_selector: str = "") -> list[str]:
            options = ListOptions(label_selector=label_selector, field_selector=field_selector)
            found = await client.list(CONFIG_MAPS, namespace=NS, options=options)
            return [o["metadata"]["name"] for o in found.items if o["metadata"]["name"] in "abc"]

        assert await names(label_selector="tier=web") == ["a", "c"]
        assert await names(label_selector="tier in (db, cache)") == ["b"]
        assert await names(label_selector="tier,tier!=web") == ["b"]
        assert await names(field_selector="metadata.name=c") == ["c"]
        everywhere = await client.list(CONFIG_MAPS, options=ListOptions(field_selector="metadata.name=c"))
        assert len(everywhere.items) == 1

    async def test_list_items_say_what_they_are(self, client: Client) -> None:
        await client.create(SECRETS, {"metadata": {"name": "s"}}, namespace=NS)
        found = await client.list(SECRETS, namespace=NS)
        assert [(o["apiVersion"], o["kind"]) for o in found.items] == [("v1", "Secret")]

    async def test_lists_come_in_pages(self, client: Client) -> None:
        for number in range(5):
            await client.create(CONFIG_MAPS, config_map(f"n{number}", labels={"page": "yes"}), namespace=NS)
        options = ListOptions(label_selector="page=yes", limit=2)
        first = await client.list(CONFIG_MAPS, namespace=NS, options=options)
        assert [o["metadata"]["name"] for o in first.items] == ["n0", "n1"]
        options = ListOptions(label_selector="page=yes", limit=10, continue_token=first.continue_token)
        rest = await client.list(CONFIG_MAPS, namespace=NS, options=options)
        assert [o["metadata"]["name"] for o in rest.items] == ["n2", "n3", "n4"]
        assert (rest.resource_version, rest.continue_token) == (first.resource_version, "")

    async def test_a_collection_is_deleted_by_selector(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("a", labels={"x": "1"}), namespace=NS)
        await client.create(CONFIG_MAPS, config_map("b", labels={"x": "2"}), namespace=NS)
        await client.delete_collection(CONFIG_MAPS, namespace=NS, options=ListOptions(label_selector="x=1"))
        left = await client.list(CONFIG_MAPS, namespace=NS, options=ListOptions(label_selector="x"))
        assert [o["metadata"]["name"] for o in left.items] == ["b"]

    async def test_a_watch_continues_from_a_list(self, client: Client) -> None:
        made = await client.create(CONFIG_MAPS, config_map("x", v="1"), namespace=NS)
        version = (await client.list(CONFIG_MAPS, namespace=NS)).resource_version
        second = await client.patch(CONFIG_MAPS, "x", {"data": {"v": "2"}}, namespace=NS)
        watch = client.watch(CONFIG_MAPS, namespace=NS, options=ListOptions(resource_version=version))
        async with watch as events:
            await client.delete(CONFIG_MAPS, "x", namespace=NS)
            modified, deleted = await take(events, 2)
        assert (modified.type, modified.object) == ("MODIFIED", second)
        assert deleted.type == "DELETED"
        assert deleted.object["metadata"]["uid"] == made["metadata"]["uid"]
        assert int(deleted.object["metadata"]["resourceVersion"]) > int(second["metadata"]["resourceVersion"])

    async def test_a_watch_sees_objects_entering_and_leaving_its_selector(self, client: Client) -> None:
        version = (await client.list(CONFIG_MAPS, namespace=NS)).resource_version
        options = ListOptions(label_selector="in=yes", resource_version=version)
        async with client.watch(CONFIG_MAPS, namespace=NS, options=options) as events:
            await client.create(CONFIG_MAPS, config_map("x"), namespace=NS)
            for value in ("yes", "no", "yes"):
                await client.patch(CONFIG_MAPS, "x", {"metadata": {"labels": {"in": value}}}, namespace=NS)
            assert [event.type for event in await take(events, 3)] == ["ADDED", "DELETED", "ADDED"]

    async def test_a_watch_list_ends_its_first_part_with_a_bookmark(self, client: Client) -> None:
        await client.create(CONFIG_MAPS, config_map("x", labels={"mine": "yes"}), namespace=NS)
        options = ListOptions(label_selector="mine=yes", match="NotOlderThan")
        async with (
            asyncio.timeout(10),
            client.watch(CONFIG_MAPS, namespace=NS, options=options, send_initial_events=True) as events,
        ):
            added = await anext(events)
            end = await anext(events)
            assert (added.type, added.object["metadata"]["name"]) == ("ADDED", "x")
            assert end.type == "BOOKMARK"
            assert end.object["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            await client.delete(CONFIG_MAPS, "x", namespace=NS)
            assert (await take(events, 1))[0].type == "DELETED"

    async def test_pods_are_bound_once(self, client: Client) -> None:
        spec = {"containers": [{"name": "c", "image": "i"}]}
        with suppress(AlreadyExists):
            await client.create(NAMESPACES, {"metadata": {"name": NS}})
        await client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, namespace=NS)
        binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
        await client.create(PODS, binding, namespace=NS, name="p", subresource="binding")
        assert (await client.get(PODS, "p", namespace=NS))["spec"]["nodeName"] == "n1"
        with pytest.raises(Conflict):
            await client.create(PODS, binding, namespace=NS, name="p", subresource="binding")

    async def test_requests_answer_discovery(self, client: Client) -> None:
        version = await client.request("GET", "/version")
        assert version["major"] == "1"
        apps = await client.request("GET", "/apis/apps/v1")
        assert "deployments" in [resource["name"] for resource in apps["resources"]]
        with pytest.raises((NotFound, BadRequest)):
            await client.request("GET", "/apis/none.example.com/v1")
