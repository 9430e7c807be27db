"""Whose things are: the cluster's tag, as every tool of the AWS and Kubernetes world reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Share = Literal["", "owned", "shared"]
LEGACY = "KubernetesCluster"
NETWORK = "cluster-"
"""Owners of what clusters are made of, the API's load balancer among it, begin with it; Services' UIDs never do."""


def cluster_tag(cluster: str) -> str:
    """`kubernetes.io/cluster/<id>`, whose value is `owned` or `shared`."""
    return f"kubernetes.io/cluster/{cluster}"


def share_of(tags: Mapping[str, str], cluster: str) -> Share:
    """How a thing belongs to a cluster; empty where it does not."""
    value = tags.get(cluster_tag(cluster))
    if value is not None:
        return "shared" if value == "shared" else "owned"
    return "owned" if tags.get(LEGACY) == cluster else ""


def is_of_any_cluster(tags: Mapping[str, str]) -> bool:
    """Whether some cluster's tag is on it."""
    return LEGACY in tags or any(key.startswith("kubernetes.io/cluster/") for key in tags)
