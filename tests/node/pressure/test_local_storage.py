"""Pods that fill the node's disk more than they may."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.node.machine.filesystems import Content, Filesystem
from cloudk8s.node.pressure.local_storage import excess, has_limits
from cloudk8s.node.server.pod_storage import PodStorage, VolumeUse
from tests.node.conftest import Node, container, pod_object

MI = 1 << 20
DISK = Filesystem(0, 0, 0, 0, 0)


def limited(*amounts: str) -> list[dict[str, Any]]:
    return [
        container("true", name=f"c{index}", resources={"limits": {"ephemeral-storage": amount}})
        for index, amount in enumerate(amounts)
    ]


def used(logs: int = 0, scratch: int = 0) -> PodStorage:
    volumes = [VolumeUse("scratch", DISK, Content(scratch * MI, 1), is_ephemeral=True)]
    return PodStorage({"c0": Content(logs * MI, 1)}, volumes)


SCRATCH = [{"name": "scratch", "emptyDir": {"sizeLimit": "2Mi"}}]


@pytest.mark.parametrize(
    ("spec", "storage", "layers", "words"),
    [
        ({"volumes": SCRATCH}, used(scratch=3), {}, 'Usage of EmptyDir volume "scratch" exceeds the limit "2Mi". '),
        ({"volumes": SCRATCH}, used(scratch=1), {}, ""),
        (
            {"containers": limited("1Mi", "1Mi")}, used(logs=1, scratch=2), {},
            "Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ",
        ),
        (
            {"containers": limited("1Mi", "5Mi")}, used(logs=1), {"c0": MI},
            'Container c0 exceeded its local ephemeral storage limit "1Mi". ',
        ),
        ({"containers": [*limited("1Mi"), container("true", name="other")]}, used(scratch=9), {}, ""),
    ],
)  # fmt: skip
def test_what_a_pod_is_over_is_said_in_upstreams_words(
    spec: dict[str, Any], storage: PodStorage, layers: dict[str, int], words: str
) -> None:
    assert excess(pod_object(**spec), storage, layers) == words


def test_a_pod_without_limits_is_not_looked_at() -> None:
    assert not has_limits(pod_object(volumes=[{"name": "scratch", "emptyDir": {}}]))


async def test_a_pod_that_fills_its_volume_is_evicted(node: Node) -> None:
    mounting = container("sleep 300", volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}])
    pod = await node.run_pod(containers=[mounting], volumes=SCRATCH)
    await node.until_phase("p", "Running")
    scratch = node.settings.pods_dir / pod["metadata"]["uid"] / "volumes" / "kubernetes.io~empty-dir" / "scratch"
    (scratch / "big").write_bytes(b"x" * 3 * MI)

    await node.agent._eviction.look()

    ended = await node.until_phase("p", "Failed")
    assert ended["status"]["reason"] == "Evicted"
    assert ended["status"]["message"] == 'Usage of EmptyDir volume "scratch" exceeds the limit "2Mi". '
