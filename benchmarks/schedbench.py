"""Create and bind pods through the API of a fresh cluster: `python -m benchmarks.schedbench [--nodes N] [--pods N]`.

Starts `cloudk8s up`, makes a token, and runs `schedbench.py`, a load generator that works against any API server, from
the directory in CLOUDK8S_BENCH (else `../shared/bench` beside the checkout). `--spy FILE` profiles the server with
py-spy meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import CLUSTER_ROLE_BINDINGS, SERVICE_ACCOUNTS
from cloudk8s.controlplane import directories

UPSTREAM = 350
"""Pods per second of kube-scheduler with kube-apiserver and etcd, on a quiet machine with two cores."""


@contextmanager
def cluster(home: Path) -> Iterator[Path]:
    """A cluster that runs while the block does; its kubeconfig."""
    environment = os.environ | {"HOME": str(home), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "cloudk8s"]
    data = home / "data"
    up = ["up", "--name", "schedbench", "--port", "0", "--nodes", "0", "--data-dir", str(data), "--detach"]
    subprocess.run([*command, *up], env=environment, check=True, stdout=subprocess.DEVNULL)
    try:
        yield data / "admin.conf"
    finally:
        state = directories.read_state(data)
        if state is not None:
            os.kill(state.pid, 15)


async def token(kubeconfig: Path) -> tuple[str, str]:
    """The server, and a token for it that may do everything."""
    connection = load_connection(kubeconfig)
    client = NetworkClient(connection)
    account = {"metadata": {"name": "bench", "namespace": "default"}}
    await client.create(SERVICE_ACCOUNTS, account)
    subject = {"kind": "ServiceAccount", "name": "bench", "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    await client.create(CLUSTER_ROLE_BINDINGS, {"metadata": {"name": "bench"}, "roleRef": role, "subjects": [subject]})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
    answer = await client.create(SERVICE_ACCOUNTS, request, namespace="default", name="bench", subresource="token")
    await client.close()
    return connection.server, answer["status"]["token"]


def script() -> Path:
    """The load generator."""
    beside = Path(__file__).parents[2] / "shared" / "bench"
    return Path(os.environ.get("CLOUDK8S_BENCH", beside)) / "schedbench.py"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--spy", type=Path, help="write a flame graph of the server here")
    chosen = parser.parse_args(arguments)
    if not script().exists():
        print(f"{script()} does not exist; set CLOUDK8S_BENCH to its directory", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as home, cluster(Path(home)) as kubeconfig:
        server, secret = asyncio.run(token(kubeconfig))
        spy = _spy(chosen.spy, kubeconfig.parent) if chosen.spy else None
        load = ["--server", server, "--token", secret, "--nodes", str(chosen.nodes), "--pods", str(chosen.pods)]
        code = subprocess.run([sys.executable, str(script()), *load], check=False).returncode
        if spy is not None:
            spy.send_signal(2)
            spy.wait()
    print(f"upstream on a quiet machine: {UPSTREAM} pods/s; the aim is three times that")
    return code


def _spy(output: Path, data: Path) -> subprocess.Popen[bytes]:
    state = directories.read_state(data)
    assert state is not None
    form = "raw" if output.suffix == ".txt" else "flamegraph"
    command = ["py-spy", "record", "-r", "200", "-f", form, "-o", str(output), "-p", str(state.pid)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
