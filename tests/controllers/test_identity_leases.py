from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import LEASES
from cloudk8s.controllers.identity_leases import IdentityLeaseCleaner
from tests.controllers.harness import running

IDENTITY = {"apiserver.kubernetes.io/identity": "kube-apiserver"}


def lease(name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    metadata = {"name": name, "namespace": "kube-system", "labels": IDENTITY if labels is None else labels}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


async def test_leases_of_servers_that_are_gone_are_deleted() -> None:
    old, new = "2025-12-31T22:00:00.000000Z", "2026-01-01T00:59:30.000000Z"
    objects = [
        lease("gone", renewTime=old, leaseDurationSeconds=3600),
        lease("odd"),
        lease("there", renewTime=new, leaseDurationSeconds=3600),
        lease("another", labels={}, renewTime=old, leaseDurationSeconds=1),
    ]
    async with running(IdentityLeaseCleaner, objects=objects) as run:
        await run.settle(1)
        assert run.names(LEASES) == ["another", "there"]
        await run.settle(3 * 3600, step=600)
        assert run.names(LEASES) == ["another"]
