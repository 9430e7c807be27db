"""What the server says of itself in objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cloudk8s.api.printing.printer import Printer
from cloudk8s.api.registry import load_registry
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.machinery.clock import SystemClock
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import Cluster

FLOW = "/apis/flowcontrol.apiserver.k8s.io/v1"
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


def by_name(listed: Any) -> dict[str, Any]:
    return {item["metadata"]["name"]: item for item in listed["items"]}


async def run(directory: Path, requests: list[tuple[Any, ...]]) -> list[Any]:
    """The answers of a server that is started for these requests."""
    async with running_api_server(ClusterSettings(data_dir=directory, port=0)) as running:
        cluster = Cluster(running)
        return [await cluster.call(*request) for request in requests]


async def test_every_flow_schema_finds_its_level(tmp_path: Path) -> None:
    levels, schemas = map(
        by_name,
        await run(tmp_path, [("GET", f"{FLOW}/prioritylevelconfigurations"), ("GET", f"{FLOW}/flowschemas")]),
    )
    assert {"exempt", "catch-all", "system", "workload-low"} <= levels.keys()
    assert {"exempt", "probes", "system-nodes", "catch-all"} <= schemas.keys()
    for schema in schemas.values():
        level = schema["spec"]["priorityLevelConfiguration"]["name"]
        assert level in levels
        (condition,) = schema["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Dangling", "False", "Found")
        assert f'"{level}"' in condition["message"]


async def test_every_local_group_version_is_available(tmp_path: Path) -> None:
    listed, groups = await run(tmp_path, [("GET", SERVICES), ("GET", "/apis")])
    services = by_name(listed)
    served = {f"{item['version']}.{group['name']}" for group in groups["groups"] for item in group["versions"]}
    assert services.keys() == served - {"v1.apiregistration.k8s.io"} | {"v1."}
    for service in services.values():
        (condition,) = service["status"]["conditions"]
        assert (condition["type"], condition["status"], condition["reason"]) == ("Available", "True", "Local")
    resource = load_registry().lookup("apiregistration.k8s.io", "v1", "apiservices")
    assert resource is not None
    shown = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", **services["v1.apps"]}
    (row,) = Printer(SystemClock()).table(resource, [shown])["rows"]
    assert row["cells"][:3] == ["v1.apps", "Local", "True"]
    apps, core = services["v1.apps"]["spec"], services["v1."]["spec"]
    assert apps == {"group": "apps", "version": "v1", "groupPriorityMinimum": 17800, "versionPriority": 15}
    assert core == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}


async def test_a_restart_writes_nothing_again(tmp_path: Path) -> None:
    requests = [("GET", f"{FLOW}/{plural}") for plural in ("prioritylevelconfigurations", "flowschemas")]
    first = await run(tmp_path, [*requests, ("GET", SERVICES)])
    again = await run(tmp_path, [*requests, ("GET", SERVICES)])
    assert [page["items"] for page in again] == [page["items"] for page in first]


async def test_a_restart_restores_what_is_the_servers_and_keeps_what_was_taken_over(tmp_path: Path) -> None:
    path = f"{FLOW}/prioritylevelconfigurations"
    mine = {"metadata": {"annotations": {"apf.kubernetes.io/autoupdate-spec": "false"}}}
    fewer = {"spec": {"limited": {"nominalConcurrencyShares": 7}}}
    changes = [("PATCH", f"{path}/system", fewer), ("PATCH", f"{path}/node-high", {**mine, **fewer})]
    await run(tmp_path, [*changes, ("DELETE", f"{path}/workload-low")])
    levels = by_name((await run(tmp_path, [("GET", path)]))[0])
    shares = {
        name: (level["spec"].get("limited") or {}).get("nominalConcurrencyShares") for name, level in levels.items()
    }
    assert shares["system"] == 30
    assert shares["node-high"] == 7
    assert shares["workload-low"] == 100


async def test_uses_of_old_tokens_are_noticed_since_the_first_start(tmp_path: Path) -> None:
    path = "/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking"
    ((found),) = await run(tmp_path, [("GET", path)])
    assert found["data"]["since"] == found["metadata"]["creationTimestamp"][:10]
