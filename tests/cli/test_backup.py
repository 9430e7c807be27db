"""`cloudk8s backup` and `cloudk8s restore`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from cloudk8s.cli.app import run
from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.writing import PODS, create, names


async def make_cluster(data_dir: Path, *pods: str) -> None:
    data_dir.mkdir(exist_ok=True)
    store = await SqliteStore.open(data_dir / "store.db")
    for pod in pods:
        await create(store, pod)
    await store.close()


async def pods_of(data_dir: Path) -> list[str]:
    store = await SqliteStore.open(data_dir / "store.db")
    found = names(store.range(PODS).records)
    await store.close()
    return found


def test_a_cluster_goes_back_to_its_backup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cluster, copy = tmp_path / "cluster", str(tmp_path / "monday.db")
    asyncio.run(make_cluster(cluster, "a/one", "a/two"))
    assert run(["backup", "--data-dir", str(cluster), copy, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["objects"] == 2
    asyncio.run(make_cluster(cluster, "a/three"))
    assert run(["restore", "--data-dir", str(cluster), copy]) == 2
    assert "use --replace" in capsys.readouterr().err
    assert run(["restore", "--data-dir", str(cluster), "--replace", copy]) == 0
    assert capsys.readouterr().out.startswith("PATH")
    assert asyncio.run(pods_of(cluster)) == ["a/one", "a/two"]


def test_a_cluster_can_be_made_from_a_backup(tmp_path: Path) -> None:
    asyncio.run(make_cluster(tmp_path / "one", "a/one"))
    assert run(["backup", "--data-dir", str(tmp_path / "one"), str(tmp_path / "copy.db")]) == 0
    assert run(["restore", "--data-dir", str(tmp_path / "two"), str(tmp_path / "copy.db")]) == 0
    assert asyncio.run(pods_of(tmp_path / "two")) == ["a/one"]


def test_a_cluster_without_a_store_is_the_users_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backup", "--data-dir", str(tmp_path), str(tmp_path / "copy.db")]) == 2
    assert "there is no store" in capsys.readouterr().err
