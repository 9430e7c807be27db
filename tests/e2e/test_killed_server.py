"""A loaded API server is killed, again and again, and what it serves then compared with what it had acknowledged."""

from __future__ import annotations

import http.client
import json
import random
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, environment_in

MAPS = "/api/v1/namespaces/default/configmaps"
Text = str | None
"""What an object holds; None where there is none."""


@dataclass
class Server:
    """`cloudk8s apiserver` on a data directory."""

    folder: Path
    process: subprocess.Popen[str]
    port: int

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[Server]:
        config = folder / "kubeconfig"
        config.unlink(missing_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudk8s", "apiserver", "--data-dir", str(folder), "--secure-port", "0",
             "--kubeconfig-out", str(config)],
            cwd=ROOT, env=environment_in(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        line = ""
        while "ready" not in line:
            line = process.stdout.readline()
            assert line, "the server did not start"
        port = int(config.read_text().partition("https://")[2].partition(":")[2].split()[0])
        try:
            yield cls(folder, process, port)
        finally:
            process.kill()
            process.communicate()

    def connect(self) -> http.client.HTTPSConnection:
        pki = self.folder / "pki"
        context = ssl.create_default_context(cafile=pki / "ca.crt")
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)


@dataclass
class Writer:
    """Writes to objects of its own, and knows what was acknowledged and what was under way."""

    index: int
    held: dict[str, Text] = field(default_factory=dict)
    under_way: tuple[str, Text] | None = None
    revision: int = 0
    acknowledged: int = 0

    def write(self, server: Server, rng: random.Random, enough: threading.Event) -> None:
        connection = server.connect()
        try:
            while not enough.is_set():
                self._once(connection, rng)
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _once(self, connection: http.client.HTTPSConnection, rng: random.Random) -> None:
        name = f"w{self.index}-{rng.randrange(20)}"
        there = self.held.get(name) is not None
        text = None if there and rng.random() < 0.3 else str(rng.random()) * rng.randrange(1, 200)
        self.under_way = (name, text)
        method, path = ("PUT" if there else "POST"), MAPS
        if there:
            path = f"{MAPS}/{name}"
        if text is None:
            method = "DELETE"
        body = None if text is None else json.dumps({"metadata": {"name": name}, "data": {"text": text}})
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        assert answer.status in (200, 201), content
        self.held[name], self.under_way = text, None
        self.revision = max(self.revision, int(content["metadata"].get("resourceVersion") or 0))
        self.acknowledged += 1

    def check(self, found: dict[str, str]) -> None:
        """Compare with what is served, and go on from there."""
        for name in {*self.held, *(name for name in found if name.startswith(f"w{self.index}-"))} - {
            self.under_way_name
        }:
            assert found.get(name) == self.held.get(name), f"{name} was acknowledged otherwise"
        if self.under_way is not None:
            name, text = self.under_way
            assert found.get(name) in (self.held.get(name), text), f"{name} is half there"
            self.held[name] = found.get(name)
        self.under_way = None

    @property
    def under_way_name(self) -> str:
        return self.under_way[0] if self.under_way else ""


def load_and_kill(server: Server, writers: list[Writer], rng: random.Random, *, after: int) -> None:
    """Let the writers write, and kill the server in the middle of it."""
    enough = threading.Event()
    began = sum(writer.acknowledged for writer in writers)
    threads = [
        threading.Thread(target=writer.write, args=(server, random.Random(rng.random()), enough)) for writer in writers
    ]
    for thread in threads:
        thread.start()
    while sum(writer.acknowledged for writer in writers) < began + after and all(t.is_alive() for t in threads):
        threads[0].join(0.002)
    server.process.kill()
    server.process.wait()
    enough.set()
    for thread in threads:
        thread.join()
    assert sum(writer.acknowledged for writer in writers) >= began + after


def served(server: Server) -> tuple[dict[str, str], int]:
    """All objects, and the revision they are of."""
    connection = server.connect()
    connection.request("GET", MAPS)
    page = json.loads(connection.getresponse().read())
    connection.close()
    return texts(page["items"]), int(page["metadata"]["resourceVersion"])


def followed(server: Server, held: dict[str, str], revision: int) -> dict[str, str]:
    """What a watch that goes on from a revision before the kill makes of what there was then."""
    connection = server.connect()
    connection.request("GET", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion={revision}")
    state = dict(held)
    for line in connection.getresponse().read().splitlines():
        event = json.loads(line)
        assert event["type"] in ("ADDED", "MODIFIED", "DELETED"), event
        if event["type"] == "DELETED":
            del state[event["object"]["metadata"]["name"]]
        else:
            state |= texts([event["object"]])
    connection.close()
    return state


def texts(items: list[dict[str, Any]]) -> dict[str, str]:
    return {item["metadata"]["name"]: item["data"]["text"] for item in items if item["metadata"]["name"][0] == "w"}


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(4, id="4 kills"),
        pytest.param(25, id="25 kills", marks=[pytest.mark.slow, pytest.mark.timeout(300)]),
    ],
)
def test_nothing_acknowledged_is_lost_and_watches_go_on(tmp_path: Path, kills: int) -> None:
    rng = random.Random(kills)
    writers = [Writer(index) for index in range(6)]
    before: tuple[dict[str, str], int] | None = None
    for _ in range(kills):
        with Server.running(tmp_path) as server:
            found, revision = served(server)
            for writer in writers:
                assert writer.revision <= revision, "revisions went back"
                writer.check(found)
            if before is not None:
                assert followed(server, *before) == found
            before = found, revision
            load_and_kill(server, writers, rng, after=rng.choice([5, 100, 600]))
    with Server.running(tmp_path) as server:
        found, _ = served(server)
        for writer in writers:
            writer.check(found)
    assert found


def test_a_second_server_on_the_same_data_says_so(tmp_path: Path) -> None:
    with Server.running(tmp_path) as server:
        second = start_in_vain(tmp_path)
        assert "in use" in second
        assert served(server)[1] > 0, "the first one goes on"


def test_a_damaged_store_is_left_as_it_is_and_named(tmp_path: Path) -> None:
    with Server.running(tmp_path) as server:
        server.process.terminate()
        assert server.process.wait() == 0
    (store,) = tmp_path.glob("*.db")
    good = store.read_bytes()
    bad = b"\xff" * 4096 + good[4096:]
    assert not list(tmp_path.glob("*-wal")), "everything is in one file after a clean stop"
    store.write_bytes(bad)
    assert str(store) in start_in_vain(tmp_path)
    assert store.read_bytes() == bad
    store.write_bytes(good)
    with Server.running(tmp_path) as server:
        assert served(server)[1] > 0


def start_in_vain(folder: Path) -> str:
    """What a server says that cannot start; one line, no traceback."""
    command = [sys.executable, "-m", "cloudk8s", "apiserver", "--data-dir", str(folder), "--secure-port", "0"]
    done = subprocess.run(command, cwd=ROOT, env=environment_in(folder), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    (error,) = [line for line in said.splitlines() if line.startswith("error: ")]
    return error
