"""A loaded server is killed, again and again, and its file compared with what it had acknowledged."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from cloudk8s.storage.sqlite.store import SqliteStore
from tests.storage.sqlite.loaded_server import is_whole
from tests.storage.writing import Seen

ROOT = Path(__file__).parents[3]
Acknowledged = dict[str, tuple[int, str]]
"""The last acknowledged revision and text of each key; the text is empty for a deletion."""
Held = dict[str, tuple[int, bytes | None]]
"""The newest revision and value of each key; the value is None for a deletion."""


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(8, id="8 kills"),
        pytest.param(60, id="60 kills", marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "store.db"
    acknowledged: Acknowledged = {}
    rng = random.Random(kills)
    for seed in range(kills):
        told = run_and_kill(path, seed, after=rng.choice([1, 50, 500, 2000]))
        earlier = max((revision for revision, _ in acknowledged.values()), default=0)
        assert min(revision for _, revision, _ in told) > earlier, "a revision was given out twice"
        for key, revision, text in told:
            if revision > acknowledged.get(key, (0, ""))[0]:
                acknowledged[key] = (revision, text)
        held = asyncio.run(read(path))
        compare(held, acknowledged)
        adopt(held, acknowledged)


def run_and_kill(path: Path, seed: int, *, after: int) -> list[tuple[str, int, str]]:
    """Start a loaded server, kill it once it has acknowledged `after` writes, and return all it acknowledged."""
    command = [sys.executable, "-m", "tests.storage.sqlite.loaded_server", str(path), str(seed)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)})
    assert server.stdout is not None
    lines = [server.stdout.readline() for _ in range(after)]
    server.kill()
    lines += server.stdout.readlines()
    server.wait()
    server.stdout.close()
    whole = [line.removesuffix("\n").split(" ") for line in lines if line.endswith("\n")]
    return [(key, int(revision), text) for key, revision, text in whole]


async def read(path: Path) -> Held:
    """What the file holds, deletions included as far as history goes; checks that history leads to the records."""
    store = await SqliteStore.open(path)
    history = Seen()
    store.watch("", history, after=store.oldest_revision)
    held: Held = {r.key: (r.revision, r.value) for r in store.range("", revision=store.oldest_revision).records}
    for event in history.events:
        held[event.record.key] = (event.revision, None if event.type == "DELETED" else event.record.value)
    alive = {key: revision for key, (revision, value) in held.items() if value is not None}
    assert alive == {record.key: record.revision for record in store.range("").records}
    await store.close()
    return held


def compare(held: Held, acknowledged: Acknowledged) -> None:
    """What was under way when the server was killed may be there or not, but only whole."""
    assert all(value is None or is_whole(value) for _, value in held.values())
    for key, (revision, text) in acknowledged.items():
        if key not in held:
            assert not text, f"{key} is lost"
            continue
        held_revision, value = held[key]
        assert held_revision >= revision, f"{key} has gone back"
        if held_revision == revision:
            assert (value is None) == (not text)
            assert value is None or f'"text":"{text}"'.encode() in value


def adopt(held: Held, acknowledged: Acknowledged) -> None:
    """From here on, what turned out to have happened counts as acknowledged."""
    for key, (revision, value) in held.items():
        text = "" if value is None else value.partition(b'"text":"')[2].partition(b'"')[0].decode()
        acknowledged[key] = (revision, text)
