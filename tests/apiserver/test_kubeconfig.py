from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import ryaml
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudk8s.apiserver import kubeconfig
from cloudk8s.apiserver.kubeconfig import Access
from cloudk8s.errors import SettingsError, UserError

OURS = Access("cloudk8s-default", "https://127.0.0.1:6443", b"ca", b"cert", b"key")
THEIRS = """\
apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: work
clusters:
- name: work
  cluster: {server: https://work:6443, tls-server-name: x}
contexts:
- name: work
  context: {cluster: work, user: work, namespace: "on"}
users:
- name: work
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: login, args: ["yes", "n", "1", "0x1f", "a: b", ""]}
extra: [1, 1.5, null, {}, []]
"""


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_writes_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    kubeconfig.write(path, OURS)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(path)["users"][0]["user"] == {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}


def test_merge_keeps_what_others_put_there(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    kubeconfig.merge(path, OURS)
    kubeconfig.merge(path, OURS)
    merged, before = load(path), yaml.safe_load(THEIRS)
    assert merged["current-context"] == "cloudk8s-default"
    assert [each["name"] for each in merged["contexts"]] == ["work", "cloudk8s-default"]
    assert merged["users"][0] == before["users"][0]
    assert (merged["extra"], merged["preferences"]) == (before["extra"], before["preferences"])


def test_remove_takes_out_only_its_own(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    kubeconfig.merge(path, OURS)
    kubeconfig.remove(path, OURS.name)
    assert load(path) == yaml.safe_load(THEIRS) | {"current-context": ""}
    kubeconfig.remove(path, OURS.name)
    kubeconfig.remove(tmp_path / "absent", OURS.name)
    assert not (tmp_path / "absent").exists()


def test_remove_leaves_another_current_context(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    kubeconfig.remove(path, "other")
    assert path.read_text() == THEIRS


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "config"
    link.symlink_to(real)
    kubeconfig.merge(link, OURS)
    assert link.is_symlink()
    assert load(real)["kind"] == "Config"


@pytest.mark.parametrize("content", ["a: [", "- a\n", "text\n"])
def test_a_file_that_is_no_kubeconfig_is_not_touched(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(SettingsError, match="fix or move it"):
        kubeconfig.merge(path, OURS)
    assert path.read_text() == content
    assert os.listdir(tmp_path) == ["config"]


def test_an_empty_file_is_an_empty_config(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("\n")
    kubeconfig.merge(path, OURS)
    assert load(path)["current-context"] == OURS.name


def test_a_lock_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "_LOCK_PAUSE", 0)
    (tmp_path / "config.lock").touch()
    with pytest.raises(UserError, match=r"delete .*config\.lock"):
        kubeconfig.merge(tmp_path / "config", OURS)


def test_default_path_is_that_of_kubectl() -> None:
    assert kubeconfig.default_path({"KUBECONFIG": ":/a:/b", "HOME": "/h"}) == Path("/a")
    assert kubeconfig.default_path({"HOME": "/h"}) == Path("/h/.kube/config")


@pytest.mark.kubectl
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(THEIRS)
    kubeconfig.merge(path, OURS)
    command = ["kubectl", "config", "view", "--raw", "-o", "json", "--kubeconfig", str(path)]
    seen = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert seen["current-context"] == OURS.name
    users = {each["name"]: each["user"] for each in seen["users"]}
    assert users["work"]["exec"]["args"] == ["yes", "n", "1", "0x1f", "a: b", ""]
    assert users[OURS.name]["client-key-data"] == "a2V5"


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(texts, json_values))
def test_every_reader_sees_what_was_dumped(value: dict[str, Any]) -> None:
    text = kubeconfig.dump(value)
    assert ryaml.loads(text) == yaml.safe_load(text) == value  # type: ignore[attr-defined]
