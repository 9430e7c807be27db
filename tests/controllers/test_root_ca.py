from __future__ import annotations

from cloudk8s.client.resources import CONFIG_MAPS, NAMESPACES
from cloudk8s.controllers.root_ca import NAME, RootCAPublisher
from cloudk8s.controllers.settings import ControllerSettings
from tests.controllers.harness import namespace, running

OPTIONS = ControllerSettings(root_ca="PEM")


async def test_every_namespace_gets_the_certificates() -> None:
    async with running(RootCAPublisher, objects=[namespace("a")], options=OPTIONS) as run:
        await run.client.create(NAMESPACES, namespace("b"))
        await run.settle()
        for name in ("a", "b"):
            found = run.get(CONFIG_MAPS, NAME, name)
            assert found["data"] == {"ca.crt": "PEM"}
            assert "CA bundle" in found["metadata"]["annotations"]["kubernetes.io/description"]


async def test_what_is_deleted_or_changed_is_restored() -> None:
    async with running(RootCAPublisher, objects=[namespace("a")], options=OPTIONS) as run:
        await run.settle()
        await run.client.delete(CONFIG_MAPS, NAME, namespace="a")
        await run.settle()
        await run.client.update(CONFIG_MAPS, {"metadata": {"name": NAME, "namespace": "a"}, "data": {}})
        await run.settle()
        assert run.get(CONFIG_MAPS, NAME, "a")["data"] == {"ca.crt": "PEM"}


async def test_a_terminating_namespace_is_left_alone() -> None:
    async with running(RootCAPublisher, objects=[namespace("a")], options=OPTIONS) as run:
        await run.settle()
        await run.client.delete(NAMESPACES, "a")
        await run.client.delete(CONFIG_MAPS, NAME, namespace="a")
        await run.settle(5)
        assert run.names(CONFIG_MAPS) == []


async def test_without_a_root_ca_nothing_is_published() -> None:
    async with running(RootCAPublisher, objects=[namespace("a")]) as run:
        await run.settle()
        assert run.names(CONFIG_MAPS) == []
