"""Manifests that a cluster file names."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.errors import UserError
from cloudk8s.provisioning.addons import apply_addons, read_addons
from cloudk8s.provisioning.converging import converge
from cloudk8s.provisioning.nodes.manifests import MANAGER, apply_manifests
from cloudk8s.testing.fake_client import FakeClient
from tests.provisioning.harness import SimulatedCloud, declaration

MAPS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one, namespace: kube-system}
data: {a: "1"}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
---
"""


def test_files_and_directories_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "maps.yaml").write_text(MAPS)
    (tmp_path / "more" / "README.md").write_text("not a manifest")
    found = read_addons(["more", "more/maps.yaml"], tmp_path)
    assert [obj["metadata"]["name"] for obj in found] == ["one", "two", "one", "two"]


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "bad.yaml"), ("kind: ConfigMap", "without apiVersion, kind or name")]
)
def test_what_is_no_manifest_is_refused_before_anything_is_made(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        read_addons(["bad.yaml"], tmp_path)
    with pytest.raises(UserError, match="there is no file"):
        read_addons(["absent.yaml"], tmp_path)


async def test_objects_are_applied_and_applied_again(tmp_path: Path) -> None:
    (tmp_path / "maps.yaml").write_text(MAPS)
    objects, client = read_addons(["maps.yaml"], tmp_path), FakeClient()
    for _ in range(2):
        assert await apply_manifests(client, objects) == []
    found = (await client.list(CONFIG_MAPS)).items
    names = sorted((obj["metadata"]["namespace"], obj["metadata"]["name"]) for obj in found)
    assert names == [("default", "two"), ("kube-system", "one")]
    assert MANAGER == "cloudk8s-addons"


async def test_kinds_that_are_not_served_are_left_for_later() -> None:
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    assert await apply_manifests(FakeClient(), [widget]) == [widget]


def test_where_nothing_boots_it_is_said(tmp_path: Path) -> None:
    cloud = SimulatedCloud()
    (tmp_path / "maps.yaml").write_text(MAPS)
    site = cloud.site()
    state = converge(site, declaration())
    apply_addons(site, state, read_addons(["maps.yaml"], tmp_path))
    assert cloud.events[-1].detail == "are applied where machines boot, and not in an emulated account"
