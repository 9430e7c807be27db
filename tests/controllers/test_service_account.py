from __future__ import annotations

from cloudk8s.client.resources import NAMESPACES, SERVICE_ACCOUNTS
from cloudk8s.controllers.service_account import ServiceAccountController
from tests.controllers.harness import namespace, running


async def test_every_namespace_gets_a_default_service_account() -> None:
    async with running(ServiceAccountController, objects=[namespace("a")]) as run:
        await run.client.create(NAMESPACES, namespace("b"))
        await run.settle()
        assert [account["metadata"]["namespace"] for account in run.client.all(SERVICE_ACCOUNTS)] == ["a", "b"]


async def test_it_comes_back_when_it_is_deleted() -> None:
    async with running(ServiceAccountController, objects=[namespace("a")]) as run:
        await run.settle()
        first = run.get(SERVICE_ACCOUNTS, "default", "a")
        await run.client.delete_collection(SERVICE_ACCOUNTS, namespace="a")
        await run.settle()
        assert run.get(SERVICE_ACCOUNTS, "default", "a")["metadata"]["uid"] != first["metadata"]["uid"]


async def test_a_terminating_namespace_gets_none() -> None:
    async with running(ServiceAccountController, objects=[namespace("a")]) as run:
        await run.settle()
        await run.client.delete(NAMESPACES, "a")
        await run.client.delete(SERVICE_ACCOUNTS, "default", namespace="a")
        await run.settle(5)
        assert run.names(SERVICE_ACCOUNTS) == []
