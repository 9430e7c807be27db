from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of
from cloudk8s.client.resources import SECRETS
from cloudk8s.controllers.legacy_tokens import TRACKING, LegacyTokenCleaner
from tests.controllers.harness import NS, pod, running

DAY = 24 * 3600.0
INVALID, USED = "kubernetes.io/legacy-token-invalid-since", "kubernetes.io/legacy-token-last-used"


def tracking(since: str = "2024-06-01") -> Object:
    metadata = {"name": TRACKING, "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"since": since}}


def account(*secrets: str) -> Object:
    metadata = {"name": "robot", "namespace": NS, "uid": "robot-uid"}
    named = [{"name": name} for name in secrets]
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "secrets": named}


def token(name: str = "robot-token", *, created: str = "2024-01-01T00:00:00Z", **labels: str) -> Object:
    annotations = {"kubernetes.io/service-account.name": "robot", "kubernetes.io/service-account.uid": "robot-uid"}
    metadata: dict[str, Any] = {"name": name, "namespace": NS, "creationTimestamp": created}
    metadata |= {"annotations": annotations, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/service-account-token"}


async def test_an_unused_token_is_marked_and_a_year_later_deleted() -> None:
    async with running(LegacyTokenCleaner, objects=[tracking(), account("robot-token"), token()]) as run:
        await run.settle()
        assert labels_of(run.get(SECRETS, "robot-token")) == {INVALID: "2026-01-01"}
        await run.settle(365 * DAY, step=DAY)
        assert run.names(SECRETS) == ["robot-token"]
        await run.settle(3 * DAY, step=DAY)
        assert run.names(SECRETS) == []


@pytest.mark.parametrize(
    "objects",
    [
        [tracking("2025-06-01"), account("robot-token"), token()],
        [account("robot-token"), token()],
        [tracking(), account("robot-token"), token(created="2025-06-01T00:00:00Z")],
        [tracking(), account("robot-token"), token(**{USED: "2025-12-24"})],
        [tracking(), account("robot-token"), token(**{USED: "yesterday"})],
        [tracking(), account(), token()],
        [tracking(), token()],
    ],
    ids=["tracked too short", "not tracked", "young", "used", "unclear", "made by hand", "no account"],
)
async def test_others_are_kept(objects: list[Object]) -> None:
    async with running(LegacyTokenCleaner, objects=objects) as run:
        await run.settle()
        assert INVALID not in labels_of(run.get(SECRETS, "robot-token"))


async def test_a_token_that_a_pod_mounts_is_kept() -> None:
    user = pod("user")
    user["spec"]["volumes"] = [{"name": "t", "secret": {"secretName": "robot-token"}}]
    async with running(LegacyTokenCleaner, objects=[tracking(), account("robot-token"), token(), user]) as run:
        await run.settle()
        assert labels_of(run.get(SECRETS, "robot-token")) == {}
