"""A real etcd for tests, where one is installed."""

from __future__ import annotations

import itertools
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from cloudk8s.storage.interface import Store
from cloudk8s_store_etcd.address import Address


class EtcdServer:
    """One etcd process on free ports; it can be stopped, and started again with its data."""

    def __init__(self, directory: Path, *arguments: str, scheme: str = "http") -> None:
        binary = shutil.which("etcd")
        if binary is None:
            pytest.skip("etcd is not installed (Debian: etcd-server)")
        pytest.importorskip("grpc", reason="grpcio is not installed (pip install 'cloudk8s[etcd]')")
        self.port, peer = _free_port(), _free_port()
        self._roots = itertools.count()
        self._log = directory / "log"
        client_url, peer_url = f"{scheme}://127.0.0.1:{self.port}", f"http://127.0.0.1:{peer}"
        self._command = [
            *(binary, "--data-dir", str(directory / "data"), "--logger", "zap", "--log-level", "warn"),
            *("--listen-client-urls", client_url, "--advertise-client-urls", client_url),
            *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
            *("--initial-cluster", f"default={peer_url}", *arguments),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return when it accepts connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"etcd did not start: {self._log.read_text()[-2000:]}")

    def stop(self, kill: bool = False) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            self._process.wait(20)
            self._process = None

    def unused_root(self) -> str:
        """A place for keys that no other test uses."""
        return f"/test-{next(self._roots)}"

    async def open(self, root: str) -> Store:
        from cloudk8s_store_etcd.store import EtcdStore

        return await EtcdStore.open(Address((self.endpoint,), root))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
