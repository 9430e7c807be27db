from __future__ import annotations

from typing import Any

from cloudk8s.client.discovery import discover
from cloudk8s.client.resources import BUILT_IN, DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS_V1, PODS
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.testing.fake_client import FakeClient


async def test_aggregated_discovery_knows_every_resource() -> None:
    found = await discover(FakeClient())
    by_resource = {served.resource: served for served in found.resources}
    assert set(by_resource) == set(BUILT_IN)
    assert by_resource[PODS].can("list", "watch", "delete")
    assert found.by_kind()["apps/v1", "Deployment"] == DEPLOYMENTS


async def test_preferred_resources_come_once() -> None:
    preferred = [served.resource for served in (await discover(FakeClient())).preferred()]
    assert len(preferred) == len(BUILT_IN) - 1
    assert HORIZONTAL_POD_AUTOSCALERS_V1 not in preferred


class OldServer(FakeClient):
    """Knows nothing of aggregated discovery; its batch group is out of order."""

    async def request(self, method: str, path: str, **_: Any) -> Any:
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [
                {
                    "name": group,
                    "versions": [{"version": version} for version in versions],
                    "preferredVersion": {"version": versions[-1]},
                }
                for group, versions in (("apps", ["v1"]), ("autoscaling", ["v1", "v2"]), ("batch", ["v1"]))
            ]
            return {"kind": "APIGroupList", "groups": groups}
        if path == "/apis/batch/v1":
            raise ServiceUnavailable("no")
        return await super().request(method, path)


async def test_legacy_discovery_is_enough_and_failed_groups_are_named() -> None:
    found = await discover(OldServer())
    assert found.failed == {"batch"}
    assert PODS in {served.resource for served in found.resources}
    preferred = {served.resource for served in found.preferred()}
    assert HORIZONTAL_POD_AUTOSCALERS_V1 not in preferred
    assert DEPLOYMENTS in preferred
