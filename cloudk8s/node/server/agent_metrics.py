"""The agent's own part of `/metrics`: what it runs, and how full the claims of its pods are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.machinery.exposition import Family, page
from cloudk8s.node.server.pod_storage import VolumeUse


def render(node_name: str, running_pods: int, containers: Mapping[str, int], claims: Sequence[VolumeUse]) -> str:
    """The page; `containers` are counted by state, `claims` are volumes of claims."""
    name = Family("kubelet_node_name", "gauge", "The node's name. The count is always 1.", "ALPHA")
    name.add({"node": node_name}, 1)
    states = Family("kubelet_running_containers", "gauge", "Number of containers currently running", "ALPHA")
    for state, count in sorted(containers.items()):
        states.add({"container_state": state}, count)
    running = Family("kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox", "ALPHA")
    running.add({}, running_pods)
    return page([name, states, running, *_volumes(claims)])


def _volumes(claims: Sequence[VolumeUse]) -> Sequence[Family]:
    families = []
    for name, words in (
        ("available_bytes", "Number of available bytes in the volume"),
        ("capacity_bytes", "Capacity in bytes of the volume"),
        ("inodes", "Maximum number of inodes in the volume"),
        ("inodes_free", "Number of free inodes in the volume"),
        ("inodes_used", "Number of used inodes in the volume"),
        ("used_bytes", "Number of used bytes in the volume"),
    ):
        family = Family(f"kubelet_volume_stats_{name}", "gauge", words, "ALPHA")
        for use in sorted(claims, key=lambda use: use.claim or ("", "")):
            if use.claim is not None:
                labels = {"namespace": use.claim[0], "persistentvolumeclaim": use.claim[1]}
                family.add(labels, getattr(use.filesystem, name))
        families.append(family)
    return families
