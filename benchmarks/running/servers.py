"""Servers to measure, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import CLUSTER_ROLE_BINDINGS, SERVICE_ACCOUNTS

PATIENCE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A server process; `url` is known once it is ready."""

    pid: int
    url: str
    kubeconfig: Path
    seconds_to_ready: float

    @property
    def resident_megabytes(self) -> float:
        return resident_megabytes(self.pid)

    @property
    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def api_server(home: Path, *, port: int) -> Iterator[Server]:
    """`cloudk8s apiserver`, without controllers, while the block runs."""
    kubeconfig = home / "admin.conf"
    arguments = ["apiserver", "--data-dir", str(home / "data"), "--secure-port", str(port)]
    with _process(home, [*arguments, "--kubeconfig-out", str(kubeconfig)], port, kubeconfig) as server:
        yield server


@contextmanager
def cluster(home: Path, *, port: int, simulated_nodes: int = 0) -> Iterator[Server]:
    """`cloudk8s up` without nodes of this host: API server, controllers, scheduler and DNS in one process."""
    arguments = ["up", "--name", "bench", "--data-dir", str(home / "data"), "--port", str(port), "--nodes", "0"]
    arguments += ["--simulated-nodes", str(simulated_nodes)]
    with _process(home, arguments, port, home / "data" / "admin.conf") as server:
        yield server


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def token(kubeconfig: Path) -> str:
    """A service account's token that may do everything."""
    client = NetworkClient(load_connection(kubeconfig))
    await client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "bench", "namespace": "default"}})
    subject = {"kind": "ServiceAccount", "name": "bench", "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    await client.create(CLUSTER_ROLE_BINDINGS, {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [subject]})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
    answer = await client.create(SERVICE_ACCOUNTS, request, namespace="default", name="bench", subresource="token")
    await client.close()
    secret: str = answer["status"]["token"]
    return secret


def secret_of(server: Server) -> str:
    """The token, for a server that was just started."""
    return asyncio.run(token(server.kubeconfig))


@contextmanager
def _process(home: Path, arguments: Sequence[str], port: int, kubeconfig: Path) -> Iterator[Server]:
    started = time.perf_counter()
    command = [sys.executable, "-m", "cloudk8s", *arguments]
    with (
        (home / "log").open("a") as log,
        subprocess.Popen(command, env=as_installed(home), stdout=log, stderr=log) as process,
    ):
        try:
            url = f"https://127.0.0.1:{port}"
            wait_until_ready(url, process)
            took = time.perf_counter() - started
            while not kubeconfig.exists():
                if process.poll() is not None:
                    raise RuntimeError(f"the server ended early: {(home / 'log').read_text()[-1000:]}")
                time.sleep(0.01)
            yield Server(process.pid, url, kubeconfig, took)
        finally:
            process.terminate()


def as_installed(home: Path) -> dict[str, str]:
    """The environment of a server of a checkout that finds what an installed one brings: bytecode, and the registry."""
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": caches, "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Ask `/readyz` until it is well; RuntimeError for a process that ends or takes longer than a minute."""
    context = ssl._create_unverified_context()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", context=context, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)
    raise RuntimeError(f"{url} did not become ready: {process.args!r}")
