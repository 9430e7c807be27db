"""Volumes of claims that are places of this host, and claims that a pod has to wait for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.node.volumes.claims import ClaimVolumes, DriverVolumes
from cloudk8s.node.volumes.interface import Mounted, VolumeError

POD: Object = {"metadata": {"name": "p", "namespace": "d", "uid": "pod-uid"}, "spec": {}}
CLAIMED = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}


@dataclass
class Cluster:
    """Fulfils `ClaimSource`: the claim `c`, bound to the volume `pv`, unless told otherwise."""

    source: dict[str, Any]
    name: str = "c"
    phase: str = "Bound"
    claim_uid: str = "claim-uid"
    owners: list[dict[str, str]] = field(default_factory=list)

    async def claim(self, namespace: str, name: str) -> Object | None:
        if (namespace, name) != ("d", self.name):
            return None
        metadata = {"name": name, "namespace": namespace, "uid": "claim-uid", "ownerReferences": self.owners}
        return {"metadata": metadata, "spec": {"volumeName": "pv"}, "status": {"phase": self.phase}}

    async def persistent_volume(self, name: str) -> Object | None:
        spec = {"capacity": {"storage": "1Gi"}, "claimRef": {"uid": self.claim_uid}, **self.source}
        return {"metadata": {"name": name}, "spec": spec} if name == "pv" else None

    async def resized(self, claim: Object, size: str) -> None:
        raise AssertionError("nobody asked for that")


async def set_up(cluster: Cluster, volume: dict[str, Any] | None = None, pod: Object = POD) -> Mounted:
    volumes = ClaimVolumes(cluster, cast(DriverVolumes, None), announce=lambda *told: None)
    return await volumes.set_up(pod, volume or CLAIMED, Path("/none"))


async def test_a_local_volume_must_be_there(tmp_path: Path) -> None:
    assert await set_up(Cluster({"local": {"path": str(tmp_path)}})) == Mounted(tmp_path, is_final=True)
    with pytest.raises(VolumeError, match=f'local volume "pv": path "{tmp_path}/none" does not exist'):
        await set_up(Cluster({"local": {"path": f"{tmp_path}/none"}}))


async def test_a_path_of_the_host_is_made_or_checked_as_its_type_says(tmp_path: Path) -> None:
    assert (await set_up(Cluster({"hostPath": {"path": f"{tmp_path}/made"}}))).path.is_dir()
    with pytest.raises(VolumeError, match="is not a file"):
        await set_up(Cluster({"hostPath": {"path": f"{tmp_path}/made", "type": "File"}}))


async def test_a_claim_may_be_read_only(tmp_path: Path) -> None:
    claimed = {"name": "v", "persistentVolumeClaim": {"claimName": "c", "readOnly": True}}
    assert (await set_up(Cluster({"local": {"path": str(tmp_path)}}), claimed)).readonly


@pytest.mark.skipif(os.geteuid() != 0, reason="giving away needs root")
async def test_a_local_volume_is_the_groups_and_a_path_of_the_host_is_left_alone(tmp_path: Path) -> None:
    pod = {**POD, "spec": {"securityContext": {"fsGroup": 4000}}}
    for kind in ("hostPath", "local"):
        await set_up(Cluster({kind: {"path": str(tmp_path)}}), pod=pod)
        assert (tmp_path.stat().st_gid == 4000) == (kind == "local")


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        (Cluster({}, name="other"), 'persistentvolumeclaim "c" not found'),
        (Cluster({}, phase="Pending"), "PVC is not bound"),
        (Cluster({}, phase="Lost"), "PVC is not bound"),
        (Cluster({}, claim_uid="another"), "it is not bound to c"),
        (Cluster({"nfs": {"server": "x"}}), "persistent volume pv: no plugin for nfs"),
    ],
)
async def test_what_a_pod_has_to_wait_for_is_told(cluster: Cluster, words: str) -> None:
    with pytest.raises(VolumeError, match=words):
        await set_up(cluster)


async def test_an_ephemeral_claim_is_the_pods_own(tmp_path: Path) -> None:
    ephemeral = {"name": "v", "ephemeral": {"volumeClaimTemplate": {}}}
    source = {"local": {"path": str(tmp_path)}}
    with pytest.raises(VolumeError, match=r"PVC was not created for pod \(pod is not owner\)"):
        await set_up(Cluster(source, name="p-v", owners=[{"uid": "somebody"}]), ephemeral)
    assert (await set_up(Cluster(source, name="p-v", owners=[{"uid": "pod-uid"}]), ephemeral)).path == tmp_path
