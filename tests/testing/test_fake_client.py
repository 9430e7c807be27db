from __future__ import annotations

import pytest

from cloudk8s.client.interface import DeleteOptions, ListOptions
from cloudk8s.client.resources import CONFIG_MAPS, NAMESPACES, PODS
from cloudk8s.errors import Expired, Forbidden, NotFound
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient
from tests.client.contract import ClientContract


@pytest.fixture
def client() -> FakeClient:
    return FakeClient(clock=FakeClock())


class TestFakeClient(ClientContract):
    pass


def pod(node: str = "", phase: str = "Running") -> dict[str, object]:
    spec = {"nodeName": node, "containers": []}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "a"},
        "spec": spec,
        "status": {"phase": phase},
    }


async def test_a_running_pod_is_deleted_gracefully_and_a_kubelet_ends_it(client: FakeClient) -> None:
    client.add(pod("n1"))
    await client.delete(PODS, "p", namespace="a")
    held = client.peek(PODS, "p", "a")
    assert held is not None
    assert held["metadata"]["deletionGracePeriodSeconds"] == 30
    await client.delete(PODS, "p", namespace="a", options=DeleteOptions(grace_period_seconds=0))
    assert client.peek(PODS, "p", "a") is None


@pytest.mark.parametrize("obj", [pod(), pod("n1", "Succeeded")], ids=["unbound", "finished"])
async def test_a_pod_that_no_kubelet_runs_is_deleted_at_once(client: FakeClient, obj: dict[str, object]) -> None:
    client.add(obj)
    await client.delete(PODS, "p", namespace="a")
    assert client.peek(PODS, "p", "a") is None


async def test_a_namespace_terminates_until_it_is_finalized(client: FakeClient) -> None:
    made = await client.create(NAMESPACES, {"metadata": {"name": "a"}})
    assert made["spec"]["finalizers"] == ["kubernetes"]
    await client.delete(NAMESPACES, "a")
    held = client.peek(NAMESPACES, "a")
    assert held is not None
    assert held["status"]["phase"] == "Terminating"
    with pytest.raises(Forbidden, match="because it is being terminated"):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "x"}}, namespace="a")
    await client.update(NAMESPACES, {**held, "spec": {}}, subresource="finalize")
    assert client.peek(NAMESPACES, "a") is None


async def test_a_namespace_must_exist_where_asked_for() -> None:
    client = FakeClient(require_namespaces=True)
    with pytest.raises(NotFound):
        await client.create(CONFIG_MAPS, {"metadata": {"name": "x"}}, namespace="a")


async def test_a_compacted_version_is_expired(client: FakeClient) -> None:
    version = (await client.list(CONFIG_MAPS)).resource_version
    await client.create(CONFIG_MAPS, {"metadata": {"name": "x"}}, namespace="a")
    client.compact()
    with pytest.raises(Expired):
        async with client.watch(CONFIG_MAPS, options=ListOptions(resource_version=version)):
            pass
