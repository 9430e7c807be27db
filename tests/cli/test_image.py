"""`cloudk8s image`."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from cloudk8s.cli import app


def archive(path: Path) -> Path:
    """What `docker save` writes, with one empty layer."""
    layer = io.BytesIO()
    tarfile.open(fileobj=layer, mode="w").close()
    digest = f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"
    config = json.dumps({"config": {}, "rootfs": {"type": "layers", "diff_ids": [digest]}}).encode()
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["app:1"], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as made:
        for name, content in (("manifest.json", manifest), ("c.json", config), ("layer.tar", layer.getvalue())):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    return path


def test_images_are_loaded_into_all_nodes_and_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for node in ("a", "b"):
        (tmp_path / "data" / "nodes" / node).mkdir(parents=True)
    where = ["--data-dir", str(tmp_path / "data")]

    assert app.run(["image", "load", str(archive(tmp_path / "app.tar")), *where]) == 0
    assert app.run(["image", "list", *where, "--output", "json"]) == 0

    rows = json.loads(capsys.readouterr().out)
    assert [(row["node"], row["tags"]) for row in rows] == [(node, ["docker.io/library/app:1"]) for node in ("a", "b")]


def test_a_cluster_without_nodes_and_a_missing_file_are_the_users_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(["image", "load", str(tmp_path / "none.tar"), "--data-dir", str(tmp_path)]) == 2
    assert app.run(["image", "list", "--data-dir", str(tmp_path)]) == 2
    assert "has no nodes on this host" in capsys.readouterr().err
