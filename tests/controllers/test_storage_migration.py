from __future__ import annotations

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.resources import BUILT_IN, CONFIG_MAPS
from cloudk8s.controllers.storage_migration import StorageVersionMigrator
from cloudk8s.errors import Conflict, ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import Action, FakeClient
from tests.controllers.harness import NS, Harness, running

MIGRATIONS = Resource(
    "storagemigration.k8s.io", "v1", "storageversionmigrations", "StorageVersionMigration", namespaced=False
)


def migration(plural: str = "configmaps", group: str = "") -> Object:
    spec = {"resource": {"group": group, "resource": plural}}
    kind = {"apiVersion": MIGRATIONS.api_version, "kind": MIGRATIONS.kind}
    return {**kind, "metadata": {"name": "m"}, "spec": spec}


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NS}}


def serving() -> FakeClient:
    return FakeClient(clock=FakeClock(), resources=(*BUILT_IN, MIGRATIONS))


def said(run: Harness) -> list[tuple[str, str]]:
    return [(each["type"], each["reason"]) for each in run.get(MIGRATIONS, "m")["status"]["conditions"]]


def rewritten(run: Harness) -> list[str]:
    return [a.name for a in run.client.actions if (a.verb, a.resource) == ("patch", CONFIG_MAPS)]


async def test_every_object_is_written_again_once() -> None:
    objects = [config_map("a"), config_map("b"), migration()]
    async with running(StorageVersionMigrator, client=serving(), objects=objects) as run:
        await run.settle(2)
        assert rewritten(run) == ["a", "b"]
        assert said(run) == [("Succeeded", "StorageVersionMigrationSucceeded")]
        patch = next(a.body for a in run.client.actions if a.verb == "patch" and a.resource == CONFIG_MAPS)
        assert patch["metadata"].keys() == {"name", "namespace", "uid", "resourceVersion"}
        run.client.add(config_map("c"))
        await run.settle(5)
        assert rewritten(run) == ["a", "b"], "what is made later is stored in the right version"


async def test_what_others_write_meanwhile_is_left_alone_and_a_tired_server_asked_again() -> None:
    refusals = [ServiceUnavailable("later"), Conflict("changed")]

    def refuse(action: Action) -> None:
        if (action.verb, action.resource) == ("patch", CONFIG_MAPS) and refusals:
            raise refusals.pop(0)

    client = serving()
    client.on(refuse)
    async with running(StorageVersionMigrator, client=client, objects=[config_map("a"), migration()]) as run:
        await run.settle(3)
        assert said(run) == [("Succeeded", "StorageVersionMigrationSucceeded")]
        assert rewritten(run) == ["a", "a"]


async def test_what_is_not_served_fails() -> None:
    async with running(StorageVersionMigrator, client=serving(), objects=[migration("things", "example.com")]) as run:
        await run.settle(2)
        assert said(run) == [("Failed", "StorageVersionMigrationFailed")]
        (failed,) = run.get(MIGRATIONS, "m")["status"]["conditions"]
        assert failed["message"] == "resource things.example.com does not exist in the cluster"


async def test_without_migrations_there_is_nothing_to_do() -> None:
    async with running(StorageVersionMigrator) as run:
        await run.settle(5)
        assert not [action for action in run.client.actions if action.resource.plural == MIGRATIONS.plural]
