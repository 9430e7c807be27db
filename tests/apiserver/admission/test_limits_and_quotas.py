from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.errors import Forbidden
from tests.apiserver.admission.cluster import Cluster


async def limit(cluster: Cluster, namespace: str, **item: Any) -> None:
    body = {"metadata": {"name": "limits"}, "spec": {"limits": [{"type": "Container", **item}]}}
    await cluster.call("POST", f"/api/v1/namespaces/{namespace}/limitranges", body)


async def quota(cluster: Cluster, namespace: str, **hard: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/resourcequotas"
    named = {key.replace("_", "."): value for key, value in hard.items()}
    await cluster.call("POST", path, {"metadata": {"name": "q"}, "spec": {"hard": named}})
    used = {"hard": named, "used": dict.fromkeys(named, "0")}
    await cluster.call("PATCH", f"{path}/q/status", {"status": used})
    return f"{path}/q"


async def test_a_limit_range_fills_in_what_a_container_leaves_out(cluster: Cluster) -> None:
    await cluster.namespace("a")
    await limit(cluster, "a", default={"cpu": "500m"}, defaultRequest={"cpu": "100m", "memory": "64Mi"})
    made = await cluster.pod("a", "p")
    assert made["spec"]["containers"][0]["resources"] == {
        "limits": {"cpu": "500m"},
        "requests": {"cpu": "100m", "memory": "64Mi"},
    }
    assert "cpu, memory request for container c" in made["metadata"]["annotations"]["kubernetes.io/limit-ranger"]


async def test_a_limit_range_refuses_what_is_out_of_bounds(cluster: Cluster) -> None:
    await cluster.namespace("a")
    await limit(cluster, "a", max={"cpu": "1"})
    with pytest.raises(Forbidden, match="maximum cpu usage per Container is 1, but limit is 2"):
        await cluster.pod("a", "p", resources={"limits": {"cpu": "2"}})


async def test_a_quota_counts_pods_and_refuses_the_one_too_many(cluster: Cluster) -> None:
    await cluster.namespace("a")
    path = await quota(cluster, "a", pods="1")
    await cluster.pod("a", "first")
    assert (await cluster.call("GET", path))["status"]["used"] == {"pods": "1"}
    with pytest.raises(Forbidden, match="exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"):
        await cluster.pod("a", "second")


async def test_a_quota_on_memory_asks_every_container_to_say_how_much(cluster: Cluster) -> None:
    await cluster.namespace("a")
    path = await quota(cluster, "a", requests_memory="100Mi")
    with pytest.raises(Forbidden, match=r"failed quota: q: must specify requests\.memory for: c"):
        await cluster.pod("a", "p")
    await cluster.pod("a", "p", resources={"requests": {"memory": "60Mi"}})
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: requests\.memory=60Mi"):
        await cluster.pod("a", "more", resources={"requests": {"memory": "60Mi"}})
    assert (await cluster.call("GET", path))["status"]["used"] == {"requests.memory": "60Mi"}


async def test_a_refused_pod_charges_nothing(cluster: Cluster) -> None:
    await cluster.namespace("a")
    path = await quota(cluster, "a", pods="5", requests_cpu="1")
    with pytest.raises(Forbidden):
        await cluster.pod("a", "p", resources={"requests": {"cpu": "2"}})
    assert (await cluster.call("GET", path))["status"]["used"] == {"pods": "0", "requests.cpu": "0"}


async def test_what_a_quota_counts_is_owned_by_the_server(cluster: Cluster) -> None:
    await cluster.namespace("a")
    path = await quota(cluster, "a", pods="2")
    await cluster.pod("a", "first")
    (entry,) = [
        entry
        for entry in (await cluster.call("GET", path))["metadata"]["managedFields"]
        if entry["manager"] == "kube-apiserver"
    ]
    assert (entry["operation"], entry["subresource"]) == ("Update", "status")
    assert entry["fieldsV1"] == {"f:status": {"f:used": {"f:pods": {}}}}
