from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import (
    BUILT_IN,
    CONFIG_MAPS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    RESOURCE_QUOTAS,
    SERVICES,
)
from cloudk8s.controllers.resource_quota.controller import ResourceQuotaController
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import FakeClient
from tests.controllers.harness import NS, Harness, pod, replica_set, running, service


def quota(hard: dict[str, str], **spec: Any) -> Object:
    metadata = {"name": "q", "namespace": NS}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard, **spec}}


def demanding(name: str, cpu: str = "", memory: str = "", *, namespace: str = NS, **spec: Any) -> Object:
    made = pod(name, namespace=namespace)
    asked = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    made["spec"]["containers"][0]["resources"] = {"requests": asked, "limits": asked} if asked else {}
    made["spec"] |= spec
    return made


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NS}}


def used(run: Harness) -> dict[str, str]:
    found: dict[str, str] = run.get(RESOURCE_QUOTAS, "q")["status"]["used"]
    return found


async def test_every_limit_is_listed_with_what_is_used_of_it() -> None:
    hard = {
        "pods": "5", "cpu": "1", "memory": "1Gi", "requests.cpu": "1", "limits.memory": "1Gi", "services": "9",
        "services.nodeports": "1", "configmaps": "10", "resourcequotas": "1", "count/replicasets.apps": "5",
        "secrets": "3", "requests.example.com/dongle": "3", "count/nonsense.example.com": "1",
    }  # fmt: skip
    node_port = service("np", type="NodePort")
    objects = [
        quota(hard), demanding("a", "300m", "100Mi"), demanding("b", "200m"), demanding("c", "9", namespace="other"),
        service("s"), node_port, config_map("m"), replica_set("r", 0),
    ]  # fmt: skip
    async with running(ResourceQuotaController, objects=objects) as run:
        await run.settle()
        assert run.get(RESOURCE_QUOTAS, "q")["status"]["hard"] == hard
        assert used(run) == {
            "pods": "2", "cpu": "500m", "memory": "100Mi", "requests.cpu": "500m", "limits.memory": "100Mi",
            "services": "2", "services.nodeports": "1", "configmaps": "1", "resourcequotas": "1",
            "count/replicasets.apps": "1", "secrets": "0", "requests.example.com/dongle": "0",
        }  # fmt: skip


async def test_what_is_deleted_is_given_back() -> None:
    objects = [quota({"pods": "5", "services": "2", "configmaps": "3"}), demanding("a"), service("s"), config_map("m")]
    async with running(ResourceQuotaController, objects=objects) as run:
        await run.settle(3)
        for resource, name in ((PODS, "a"), (SERVICES, "s"), (CONFIG_MAPS, "m")):
            await run.client.delete(resource, name, namespace=NS)
        await run.settle()
        assert used(run) == {"pods": "0", "services": "0", "configmaps": "0"}


async def test_a_pod_that_ended_is_given_back() -> None:
    async with running(ResourceQuotaController, objects=[quota({"pods": "5"}), demanding("a")]) as run:
        await run.settle(3)
        assert used(run) == {"pods": "1"}
        await run.set_pod(run.get(PODS, "a"), phase="Succeeded")
        await run.settle()
        assert used(run) == {"pods": "0"}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [("Terminating", "1"), ("NotTerminating", "2"), ("BestEffort", "2"), ("NotBestEffort", "1")],
)
async def test_scopes_choose_pods(scope: str, expected: str) -> None:
    objects = [
        quota({"pods": "5"}, scopes=[scope]), demanding("a", activeDeadlineSeconds=5), demanding("b"),
        demanding("c", "1"),
    ]  # fmt: skip
    async with running(ResourceQuotaController, objects=objects) as run:
        await run.settle()
        assert used(run) == {"pods": expected}


async def test_a_change_of_the_limits_is_taken_over() -> None:
    async with running(ResourceQuotaController, objects=[quota({"pods": "5"}), demanding("a", "1")]) as run:
        await run.settle()
        await run.client.patch(RESOURCE_QUOTAS, "q", {"spec": {"hard": {"pods": "2", "cpu": "4"}}}, namespace=NS)
        await run.settle()
        assert run.get(RESOURCE_QUOTAS, "q")["status"] == {
            "hard": {"pods": "2", "cpu": "4"}, "used": {"pods": "1", "cpu": "1"},
        }  # fmt: skip


async def test_limits_that_somebody_wrote_into_status_are_put_right() -> None:
    async with running(ResourceQuotaController, objects=[quota({"pods": "5"})]) as run:
        await run.settle()
        wrong = {"status": {"hard": {"pods": "99"}}}
        await run.client.patch(RESOURCE_QUOTAS, "q", wrong, namespace=NS, subresource="status")
        await run.settle()
        assert run.get(RESOURCE_QUOTAS, "q")["status"]["hard"] == {"pods": "5"}


async def test_a_charge_that_came_to_nothing_is_found_by_the_resync() -> None:
    async with running(ResourceQuotaController, objects=[quota({"pods": "5"})]) as run:
        await run.settle()
        charged = {"status": {"used": {"pods": "1"}}}
        await run.client.patch(RESOURCE_QUOTAS, "q", charged, namespace=NS, subresource="status")
        await run.settle(5)
        assert used(run) == {"pods": "1"}
        await run.settle(300, step=10)
        assert used(run) == {"pods": "0"}


async def test_a_pod_lost_with_its_node_is_not_paid_for() -> None:
    lost = demanding("a")
    lost["metadata"] |= {
        "deletionTimestamp": "2025-12-31T23:00:00Z", "deletionGracePeriodSeconds": 30, "finalizers": ["x/y"],
    }  # fmt: skip
    async with running(ResourceQuotaController, objects=[quota({"pods": "5"}), lost]) as run:
        run.has_kubelet = False
        await run.settle()
        assert used(run) == {"pods": "0"}


async def test_only_what_is_limited_is_followed() -> None:
    async with running(ResourceQuotaController, objects=[quota({"pods": "5"})]) as run:
        await run.settle()
        followed = {action.resource.plural for action in run.client.actions if action.verb in ("list", "watch")}
        assert followed == {"resourcequotas", "pods"}


async def test_kinds_are_counted_in_the_version_that_the_server_has() -> None:
    """Also where an older server knows a kind that we know in another version."""
    old = POD_DISRUPTION_BUDGETS._replace(version="v1beta1")
    served = [each for each in BUILT_IN if each != POD_DISRUPTION_BUDGETS]
    metadata = {"name": "b", "namespace": NS}
    budget = {"apiVersion": old.api_version, "kind": old.kind, "metadata": metadata, "spec": {}}
    clock = FakeClock()
    client = FakeClient(clock=clock, resources=[*served, old])
    objects = [quota({"count/poddisruptionbudgets.policy": "5"}), budget]
    async with running(ResourceQuotaController, objects=objects, client=client, clock=clock) as run:
        await run.settle(3)
        assert used(run) == {"count/poddisruptionbudgets.policy": "1"}
