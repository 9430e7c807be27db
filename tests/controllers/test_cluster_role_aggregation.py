from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from cloudk8s.client.resources import CLUSTER_ROLES
from cloudk8s.controllers.cluster_role_aggregation import ClusterRoleAggregationController
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.controlplane.controllers import running_controllers
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from tests.controllers.harness import running


def rule(resource: str) -> dict[str, Any]:
    return {"verbs": ["get"], "apiGroups": [""], "resources": [resource]}


def role(name: str, *resources: str, to: str = "") -> dict[str, Any]:
    labels = {f"aggregate-to-{to}": "true"} if to else {}
    return {"metadata": {"name": name, "labels": labels}, "rules": [rule(each) for each in resources]}


def aggregated(name: str, *labels: str, to: str = "") -> dict[str, Any]:
    selectors = [{"matchLabels": {f"aggregate-to-{label}": "true"}} for label in labels]
    return {**role(name, to=to), "aggregationRule": {"clusterRoleSelectors": selectors}}


async def test_rules_are_gathered_from_role_to_role() -> None:
    objects = [aggregated("edit", "edit"), aggregated("view", "view", to="edit"), role("b", "pods", to="view")]
    objects += [role("a", "secrets", "pods", to="edit"), role("other", "nodes")]
    async with running(ClusterRoleAggregationController, objects=[*map(typed, objects)]) as run:
        await run.settle()
        assert run.get(CLUSTER_ROLES, "view", "")["rules"] == [rule("pods")]
        assert run.get(CLUSTER_ROLES, "edit", "")["rules"] == [rule("secrets"), rule("pods")]


async def test_changes_and_removals_follow() -> None:
    objects = [aggregated("view", "view"), role("a", "pods", to="view")]
    async with running(ClusterRoleAggregationController, objects=[*map(typed, objects)]) as run:
        await run.settle()
        await run.client.create(CLUSTER_ROLES, typed(role("b", "jobs", to="view")))
        await run.settle()
        assert run.get(CLUSTER_ROLES, "view", "")["rules"] == [rule("pods"), rule("jobs")]
        await run.client.delete(CLUSTER_ROLES, "a")
        await run.settle()
        assert run.get(CLUSTER_ROLES, "view", "")["rules"] == [rule("jobs")]


async def test_rules_written_by_hand_do_not_stay() -> None:
    wrong = aggregated("view", "view") | {"rules": [rule("secrets")]}
    async with running(ClusterRoleAggregationController, objects=[typed(wrong)]) as run:
        await run.settle()
        assert run.get(CLUSTER_ROLES, "view", "")["rules"] == []


def typed(obj: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", **obj}


async def test_the_roles_of_users_are_complete_on_a_real_server(tmp_path: Path) -> None:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    names = ["clusterrole-aggregation-controller"]
    async with running_api_server(settings) as server, running_controllers(server, names, clock=SystemClock()):
        client = server.client("system:test", "system:masters")
        async with (
            asyncio.timeout(20),
            client.watch(CLUSTER_ROLES, send_initial_events=True) as events,
        ):
            async for event in events:
                is_admin = event.object["metadata"].get("name") == "admin"
                if is_admin and {"roles", "pods/exec", "configmaps"} <= resources(event.object):
                    return


def resources(role: dict[str, Any]) -> set[str]:
    return {each for rule in role.get("rules") or () for each in rule.get("resources", ())}
