"""Volumes made of API objects, and what becomes of them when these change."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.volumes.configuration import ConfigurationVolumes
from cloudk8s.node.volumes.interface import VolumeError


class Cluster:
    """Fulfils `ObjectSource` and `TokenSource`; each token is another."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {
            ("configmap", "cm"): {"data": {"word": "one"}},
            ("secret", "s"): {"data": {"key": base64.b64encode(b"\xff\x00").decode()}},
        }
        self.tokens = 0

    async def config_map(self, namespace: str, name: str) -> Object | None:
        return self.objects.get(("configmap", name))

    async def secret(self, namespace: str, name: str) -> Object | None:
        return self.objects.get(("secret", name))

    async def token(self, pod: Object, *, audience: str, expiration_seconds: int) -> str:
        self.tokens += 1
        return f"{audience or 'default'} {expiration_seconds} {self.tokens}"


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def pod(**security: Any) -> Object:
    metadata = {"name": "p", "namespace": "d", "uid": "u", "labels": {"tier": "gold"}}
    return {"metadata": metadata, "spec": {"securityContext": security, "containers": [{"name": "c"}]}}


async def set_up(cluster: Cluster, directory: Path, source: dict[str, Any], of: Object | None = None) -> dict[str, str]:
    """The files of a volume and what is in them."""
    (kind,) = source
    volumes = ConfigurationVolumes(kind, objects=cluster, tokens=cluster, facts=lambda pod: PodFacts(("10.0.0.1",)))
    mounted = await volumes.set_up(of or pod(), {"name": "v", **source}, directory)
    assert mounted.readonly
    found: dict[str, str] = {}
    for place, _, names in os.walk(directory, followlinks=True):
        paths = [Path(place, name) for name in names if "/.." not in place]
        found |= {str(path.relative_to(directory)): path.read_text("latin-1") for path in paths}
    return found


async def test_a_changed_object_is_shown_anew(cluster: Cluster, tmp_path: Path) -> None:
    source = {"configMap": {"name": "cm"}}
    assert await set_up(cluster, tmp_path, source) == {"word": "one"}
    cluster.objects["configmap", "cm"] = {"data": {"other": "two"}}
    assert await set_up(cluster, tmp_path, source) == {"other": "two"}


async def test_what_may_be_missing_comes_and_goes(cluster: Cluster, tmp_path: Path) -> None:
    source = {"secret": {"secretName": "later", "optional": True}}
    assert await set_up(cluster, tmp_path, source) == {}
    cluster.objects["secret", "later"] = {"data": {"k": "dg=="}}
    assert await set_up(cluster, tmp_path, source) == {"k": "v"}
    del cluster.objects["secret", "later"]
    assert await set_up(cluster, tmp_path, source) == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        ({"configMap": {"name": "cm", "items": [{"key": "k", "path": "p"}]}}, "references non-existent config key: k"),
        ({"secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}, "non-existent secret key: k"),
        ({"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "spec.x"}}]}}, "unsupported fieldPath"),
        ({"projected": {"sources": [{"clusterTrustBundle": {}}]}}, "clusterTrustBundle is not supported"),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_told(cluster: Cluster, tmp_path: Path, source: dict[str, Any], words: str) -> None:
    with pytest.raises(VolumeError, match=words):
        await set_up(cluster, tmp_path, source)


async def test_a_projected_volume_has_all_in_one(cluster: Cluster, tmp_path: Path) -> None:
    sources = [
        {"configMap": {"name": "cm"}}, {"secret": {"name": "s", "items": [{"key": "key", "path": "deep/key"}]}},
        {"downwardAPI": {"items": [{"path": "ip", "fieldRef": {"fieldPath": "status.podIP"}}]}},
        {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}},
        {"configMap": {"name": "none", "optional": True}},
    ]  # fmt: skip
    shown = await set_up(cluster, tmp_path, {"projected": {"sources": sources, "defaultMode": 0o440}})
    assert shown == {"word": "one", "deep/key": "\xff\x00", "ip": "10.0.0.1", "token": "vault 600 1"}
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in shown} == {0o440}


async def test_a_token_is_written_anew_when_it_is_another(cluster: Cluster, tmp_path: Path) -> None:
    source = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    assert await set_up(cluster, tmp_path, source) == {"token": "default 3600 1"}
    assert await set_up(cluster, tmp_path, source) == {"token": "default 3600 2"}


@pytest.mark.skipif(os.geteuid() != 0, reason="giving away needs root")
async def test_a_token_is_for_its_user_or_group_only(cluster: Cluster, tmp_path: Path) -> None:
    source = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "cm"}}]}}
    for security, owner, mode in (
        ({}, (0, 0), 0o644), ({"runAsUser": 1000}, (1000, 0), 0o600), ({"fsGroup": 4000}, (0, 4000), 0o640),
    ):  # fmt: skip
        directory = tmp_path / str(mode)
        await set_up(cluster, directory, source, pod(**security))
        found = (directory / "token").stat()
        assert ((found.st_uid, found.st_gid), found.st_mode & 0o777) == (owner, mode)
