"""Updates that change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

PATH = "/api/v1/namespaces/default/configmaps"


class AdjustableClock(FakeClock):
    """The wall clock alone moves."""

    moment = datetime.now(UTC).replace(year=2027)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> AdjustableClock:
    return AdjustableClock()


@pytest.fixture
async def api(tmp_path: Path, clock: AdjustableClock) -> AsyncIterator[LocalApi]:
    settings = ClusterSettings(data_dir=tmp_path, port=0, store="memory://")
    async with running_api_server(settings, clock=clock) as server:
        yield server.assembly.local(ADMIN, agent="test")


@pytest.mark.parametrize(
    ("method", "type"),
    [
        ("PUT", "application/json"),
        ("PATCH", "application/merge-patch+json"),
        ("PATCH", "application/strategic-merge-patch+json"),
        ("PATCH", "application/apply-patch+yaml"),
    ],
)
async def test_an_update_that_changes_nothing_is_none_later_either(
    api: LocalApi, clock: AdjustableClock, method: str, type: str
) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"a": "1"}}
    parameters = {"fieldManager": "me"}
    first = "PATCH" if "apply" in type else "POST"
    place = f"{PATH}/conf" if first == "PATCH" else PATH
    made = await api.call(
        first, place, parameters, body=body, headers={"content-type": type if first == "PATCH" else "application/json"}
    )
    clock.moment = clock.moment.replace(year=2028)
    again = await api.call(method, f"{PATH}/conf", parameters, body=body, headers={"content-type": type})
    assert tree(again) == tree(made)


async def test_trying_again_what_the_server_does_not_take_is_no_update(api: LocalApi, clock: AdjustableClock) -> None:
    """The finalizers of a namespace are not the client's, who comes to own what it tried to write all the same."""
    path = "/api/v1/namespaces/a"
    await api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": "a"}})
    body = {"metadata": {"name": "a"}, "spec": {"finalizers": ["example.com/x", "kubernetes"]}}
    tried = tree(await api.call("PUT", path, body=body))
    assert tried["spec"]["finalizers"] == ["kubernetes"]
    clock.moment = clock.moment.replace(year=2028)
    assert tree(await api.call("PUT", path, body=body)) == tried


def tree(response: Any) -> Any:
    return codec.decode(joined(response))


async def test_an_object_stored_in_another_version_is_completed(api: LocalApi) -> None:
    path = "/apis/autoscaling/{}/namespaces/default/horizontalpodautoscalers"
    spec = {"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
    body = {"metadata": {"name": "web"}, "spec": spec}
    await api.call("POST", path.format("v1"), body=body)
    for version, type, change in (
        ("v1", "merge-patch+json", {"spec": {"maxReplicas": 5}}),
        ("v2", "merge-patch+json", {"spec": {"maxReplicas": 7}}),
        ("v2", "apply-patch+yaml", body | {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}),
    ):
        query = {"fieldManager": "m"} | ({"force": "true"} if type.startswith("apply") else {})
        headers = {"Content-Type": f"application/{type}"}
        await api.call("PATCH", f"{path.format(version)}/web", query, change, headers)
        read = codec.decode(joined(await api.call("GET", f"{path.format('v2')}/web")))
        assert read["status"]["currentMetrics"] is None
