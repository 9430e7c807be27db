"""Every controller as the service account that upstream gives it, with no more rights than upstream's roles have.

What a role lacks would not work on a cluster of upstream's, where controllers have these roles and no others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Client, DeleteOptions, Object, Resource
from cloudk8s.client.objects import name_of, namespace_of
from cloudk8s.client.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    JOBS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    RESOURCE_QUOTAS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
)
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.names import SERVICE_ACCOUNTS as ACCOUNTS
from cloudk8s.controllers.registry import OF_API_SERVER, built_in_controllers
from cloudk8s.controllers.runtime import run_controllers
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.controlplane.api_server import RunningApiServer, running_api_server
from cloudk8s.errors import Forbidden, NotFound
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings

ROOT = "system:kube-controller-manager"
WITHOUT_ACCOUNT = {*OF_API_SERVER, "serviceaccount-token-controller", "csi-drivers-controller"}
LABELS = {"app": "a"}
UTILIZATION = {"type": "Utilization", "averageUtilization": 50}
POD: Object = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i", "resources": {}}]}}


class Watchful:
    """Passes everything on, and notes what was refused for want of rights."""

    def __init__(self, client: Client, who: str, refused: list[str]) -> None:
        self._client, self._who, self._refused = client, who, refused

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name in ("watch", "close"):
            return method

        async def noted(*given: Any, **more: Any) -> Any:
            try:
                return await method(*given, **more)
            except Forbidden as error:
                if " cannot " in error.message:  # other refusals are of what everybody is refused
                    self._refused.append(f"{self._who}: {error.message}")
                raise

        return noted


def test_every_controller_has_upstreams_account_or_a_reason_for_none() -> None:
    names = {registration.name for registration in built_in_controllers()}
    assert names - ACCOUNTS.keys() == WITHOUT_ACCOUNT
    assert ACCOUNTS.keys() <= names


@asynccontextmanager
async def controlled(server: RunningApiServer, refused: list[str]) -> AsyncIterator[None]:
    """Run every controller of upstream's manager, each as its account."""

    def client_of(name: str) -> Any:
        account = ACCOUNTS.get(name)
        if account is None:
            return Watchful(server.client(ROOT), ROOT, refused)
        groups = ("system:serviceaccounts", "system:serviceaccounts:kube-system")
        return Watchful(server.client(f"system:serviceaccount:kube-system:{account}", *groups), account, refused)

    clock, root = SystemClock(), server.client(ROOT)
    events = EventRecorder(root, "kube-controller-manager", clock=clock)
    pki = server.pki
    options = ControllerSettings(
        root_ca=pki.ca.certificate.read_text(),
        service_account_key=pki.service_account_key.read_text(),
        cluster_signing_certificate=pki.ca.certificate.read_text(),
        cluster_signing_key=pki.ca.key.read_text(),
        allocate_node_cidrs=True,
    )
    registrations = built_in_controllers().select(["*", "bootstrap-signer-controller", "token-cleaner-controller"])
    async with Informers(root, clock=clock) as informers:
        context = ControllerContext(root, informers, events, clock, server.settings, options)
        tasks = [
            asyncio.create_task(run_controllers(context, registrations, client_of=client_of)),
            asyncio.create_task(events.run()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.05)


def meta(name: str) -> Object:
    return {"metadata": {"name": name}}


def workload(name: str, **spec: Any) -> Object:
    return meta(name) | {"spec": {"selector": {"matchLabels": LABELS}, "template": POD, **spec}}


async def kubelet(client: Client) -> None:
    """Every pod runs, or is over if a Job made it; deleted ones go."""
    for pod in (await client.list(PODS)).items:
        name, namespace = name_of(pod), namespace_of(pod)
        if pod["metadata"].get("deletionTimestamp"):
            await client.delete(PODS, name, namespace=namespace, options=DeleteOptions(grace_period_seconds=0))
            continue
        is_done = "batch.kubernetes.io/job-name" in pod["metadata"]["labels"]
        phase = "Succeeded" if is_done else "Running"
        if pod["status"].get("phase") != phase:
            condition = {"type": "Ready", "status": "False" if is_done else "True", "lastTransitionTime": None}
            status = {"phase": phase, "podIP": "10.1.0.1", "podIPs": [{"ip": "10.1.0.1"}], "conditions": [condition]}
            await client.patch(PODS, name, {"status": status}, namespace=namespace, subresource="status")


@pytest.mark.timeout(120)
async def test_upstreams_roles_are_enough_for_the_life_of_every_workload(tmp_path: Path) -> None:
    refused: list[str] = []
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings) as server, controlled(server, refused):
        client = server.client("system:test", "system:masters")
        await client.create(NAMESPACES, meta("work"))
        await until(lambda: has(client, SERVICE_ACCOUNTS, 1))
        await client.create(NODES, meta("n1"))
        ready = {"type": "Ready", "status": "True"}
        await client.patch(NODES, "n1", {"status": {"conditions": [ready]}}, subresource="status")
        for resource, made in OBJECTS:
            await client.create(resource, made, namespace="work")
        async with asyncio.timeout(40):
            while not await is_settled(client):
                await kubelet(client)
                await asyncio.sleep(0.1)
        template = {"metadata": {"annotations": {"v": "2"}}}
        for resource, name in ((DEPLOYMENTS, "web"), (STATEFUL_SETS, "db"), (DAEMON_SETS, "agent")):
            size = {} if resource == DAEMON_SETS else {"replicas": 1}
            await client.patch(resource, name, {"spec": {"template": template, **size}}, namespace="work")
        for _ in range(20):
            await kubelet(client)
            await asyncio.sleep(0.1)
        await client.delete(JOBS, "once", namespace="work", options=DeleteOptions(propagation_policy="Foreground"))
        await client.delete(DEPLOYMENTS, "web", namespace="work", options=DeleteOptions(propagation_policy="Orphan"))
        await client.patch(NODES, "n1", {"spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}})
        await asyncio.sleep(0.5)
        await client.delete(NAMESPACES, "work")
        async with asyncio.timeout(40):
            while not await is_gone(client, "work"):
                await kubelet(client)
                await asyncio.sleep(0.1)
    assert sorted(set(refused)) == []


OBJECTS: list[tuple[Resource, Object]] = [
    (SERVICES, meta("web") | {"spec": {"selector": LABELS, "ports": [{"port": 80}]}}),
    (DEPLOYMENTS, workload("web", replicas=2)),
    (DAEMON_SETS, workload("agent")),
    (
        STATEFUL_SETS,
        workload(
            "db",
            serviceName="web",
            replicas=2,
            persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete", "whenScaled": "Delete"},
            volumeClaimTemplates=[
                meta("data")
                | {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
            ],
        ),
    ),
    (JOBS, meta("once") | {"spec": {"template": {"spec": {**POD["spec"], "restartPolicy": "Never"}}}}),
    (
        CRON_JOBS,
        meta("often")
        | {
            "spec": {
                "schedule": "* * * * *",
                "jobTemplate": {"spec": {"template": {"spec": {**POD["spec"], "restartPolicy": "Never"}}}},
            }
        },
    ),
    (POD_DISRUPTION_BUDGETS, meta("web") | {"spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}}}),
    (RESOURCE_QUOTAS, meta("all") | {"spec": {"hard": {"pods": "50", "count/deployments.apps": "5"}}}),
    (
        HORIZONTAL_POD_AUTOSCALERS,
        meta("web")
        | {
            "spec": {
                "maxReplicas": 3,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": UTILIZATION}}],
            }
        },
    ),
]


async def has(client: Client, resource: Resource, count: int) -> bool:
    return len((await client.list(resource, namespace="work")).items) >= count


async def is_settled(client: Client) -> bool:
    deployment = await client.get(DEPLOYMENTS, "web", namespace="work")
    job = await client.get(JOBS, "once", namespace="work")
    quota = await client.get(RESOURCE_QUOTAS, "all", namespace="work")
    claims = (await client.list(PERSISTENT_VOLUME_CLAIMS, namespace="work")).items
    return (
        deployment.get("status", {}).get("availableReplicas") == 2
        and job.get("status", {}).get("succeeded") == 1
        and "used" in quota.get("status", {})
        and bool(claims)
    )


async def is_gone(client: Client, namespace: str) -> bool:
    try:
        await client.get(NAMESPACES, namespace)
    except NotFound:
        return True
    return False
