"""What a pod may use as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.node.containers.pod_limits import cgroup_parent, pod_resources
from tests.node.conftest import pod_object

MI = 1 << 20


def container(name: str, requests: dict[str, str], limits: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", "resources": {"requests": requests, "limits": limits}, **fields}


def limits(**spec: Any) -> tuple[int, int, int]:
    """CPU shares, CPU quota and memory limit in MiB."""
    found = pod_resources(pod_object(**spec))
    return found.cpu_shares, found.cpu_quota, found.memory_limit // MI


ONE = {"cpu": "500m", "memory": "100Mi"}


def test_containers_share_the_sum_of_their_limits() -> None:
    assert limits(containers=[container("a", ONE, ONE), container("b", ONE, ONE)]) == (1024, 100_000, 200)


def test_one_container_without_a_limit_leaves_the_pod_without() -> None:
    assert limits(containers=[container("a", ONE, ONE), container("b", ONE, {"cpu": "1"})]) == (1024, 150_000, 0)


def test_the_pods_own_word_counts() -> None:
    own = {"requests": {"cpu": "250m"}, "limits": {"memory": "64Mi"}}
    assert limits(containers=[container("a", {}, {})], resources=own) == (256, 0, 64)


def test_the_hungriest_start_counts() -> None:
    init = container("i", {"cpu": "2", "memory": "1Mi"}, {"cpu": "2", "memory": "500Mi"})
    assert limits(initContainers=[init], containers=[container("a", ONE, ONE)]) == (2048, 200_000, 500)


def test_sidecars_and_overhead_are_added() -> None:
    side = container("s", ONE, ONE, restartPolicy="Always")
    overhead = {"cpu": "1", "memory": "10Mi"}
    found = limits(initContainers=[side], containers=[container("a", ONE, ONE)], overhead=overhead)
    assert found == (2048, 200_000, 210)


@pytest.mark.parametrize(
    ("requests", "limit", "parent"),
    [({}, {}, "besteffort/podu1"), ({"cpu": "1"}, {}, "burstable/podu1"), (ONE, ONE, "podu1")],
)
def test_the_group_is_that_of_the_quality_of_service(
    requests: dict[str, str], limit: dict[str, str], parent: str
) -> None:
    pod = pod_object(containers=[container("a", requests, limit)])
    pod["metadata"]["uid"] = "u1"
    assert cgroup_parent(pod) == parent


def test_a_pod_that_asks_for_nothing_has_the_least_weight() -> None:
    assert limits(containers=[container("a", {}, {})]) == (2, 0, 0)
