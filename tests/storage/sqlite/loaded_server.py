"""A process that writes as fast as it can and says what was acknowledged; made to be killed.

Run as `python -m tests.storage.sqlite.loaded_server PATH SEED`. Each line it prints is one acknowledged write:
`key revision text`, the text empty for a deletion.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
from pathlib import Path

from cloudk8s.storage.interface import Draft, Durability, RevisionConflict, Write
from cloudk8s.storage.sqlite import checkpoint
from cloudk8s.storage.sqlite.store import SqliteStore

CLIENTS = 24
KEYS = 300
HEAD = b'{"metadata":{"resourceVersion":"'


def value_tail(text: str) -> bytes:
    """A body of some kilobytes that tells whether it is whole."""
    body = text * (1 + len(text) * 37 % 200)
    return b'"},"text":"%b","body":"%b","sum":"%b"}' % (text.encode(), body.encode(), _digest(body))


def is_whole(value: bytes) -> bool:
    """Whether a stored value is one that was written, from its first byte to its last."""
    body, _, digest = value.partition(b'"body":"')[2].partition(b'","sum":"')
    return value.startswith(HEAD) and digest == _digest(body.decode()) + b'"}'


def _digest(body: str) -> bytes:
    return hashlib.sha256(body.encode()).hexdigest().encode()


async def client(store: SqliteStore, rng: random.Random) -> None:
    while True:
        key = f"/registry/core/pods/a/{rng.randrange(KEYS)}"
        text = f"{rng.random()}"
        current = store.get(key)
        draft = None if current is not None and rng.random() < 0.3 else Draft(HEAD, value_tail(text))
        durability: Durability = "relaxed" if rng.random() < 0.2 else "durable"
        try:
            record = await store.write(Write(key, draft, current.revision if current else 0, durability))
        except RevisionConflict:
            continue
        os.write(1, f"{key} {record.revision} {text if draft else ''}\n".encode())


async def compact_often(store: SqliteStore) -> None:
    while True:
        await asyncio.sleep(0.05)
        await store.compact(max(1, store.revision - 500))


async def main(path: Path, seed: int) -> None:
    store = await SqliteStore.open(path)
    rng = random.Random(seed)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(compact_often(store))
        for _ in range(CLIENTS):
            tasks.create_task(client(store, random.Random(rng.random())))


if __name__ == "__main__":
    checkpoint.COPY_AFTER = 256 << 10
    checkpoint.RESTART_BEYOND = 1 << 20
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
