"""kube-apiserver on an etcd of its own, to be measured on the same machine in the same minutes.

The programs are not part of the project: docs/upstream-components.md tells how to build them. Default flags, with the
certificates that our server would have; etcd writes to disk, as it does by default.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from benchmarks.running.servers import PATIENCE, Server, free_port, wait_until_ready
from cloudk8s.apiserver.kubeconfig import Access, write
from cloudk8s.apiserver.pki import PKI, ensure
from cloudk8s.client.kubeconfig import load_connection
from cloudk8s.client.network import NetworkClient
from cloudk8s.client.resources import NAMESPACES
from cloudk8s.errors import NotFound


@contextmanager
def upstream_api_server(home: Path, programs: Path) -> Iterator[Server]:
    """Run `kube-apiserver` of a folder, and the `etcd` that is installed, while the block runs."""
    started, port, pki = time.perf_counter(), free_port(), ensure(home / "data")
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    store = [
        "etcd", "--data-dir", str(home / "etcd"), "--listen-client-urls", client, "--advertise-client-urls", client,
        "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
    ]  # fmt: skip
    url, kubeconfig = f"https://127.0.0.1:{port}", home / "admin.conf"
    pair = pki.admin
    authority, certificate, key = pki.ca.certificate, pair.certificate, pair.key
    write(kubeconfig, Access("upstream", url, authority.read_bytes(), certificate.read_bytes(), key.read_bytes()))
    with ExitStack() as stack:
        log = stack.enter_context((home / "log").open("a"))
        stack.enter_context(_running(store, log))
        process = stack.enter_context(_running([str(programs / "kube-apiserver"), *_flags(pki, port, client)], log))
        wait_until_ready(url, process)
        asyncio.run(_wait_for_namespace(kubeconfig))
        yield Server(process.pid, url, kubeconfig, time.perf_counter() - started)


async def _wait_for_namespace(kubeconfig: Path) -> None:
    """Until there is the namespace `default`, which upstream makes after it has called itself ready."""
    client, deadline = NetworkClient(load_connection(kubeconfig)), time.monotonic() + PATIENCE
    while True:
        try:
            await client.get(NAMESPACES, "default")
            break
        except NotFound:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
    await client.close()


def _flags(pki: PKI, port: int, store: str) -> list[str]:
    serving, key = pki.serving, pki.service_account_key
    settings = {
        "etcd-servers": store,
        "secure-port": port,
        "bind-address": "127.0.0.1",
        "client-ca-file": pki.ca.certificate,
        "tls-cert-file": serving.certificate,
        "tls-private-key-file": serving.key,
        "service-account-key-file": key.with_suffix(".pub"),
        "service-account-signing-key-file": key,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-cluster-ip-range": "10.96.0.0/16",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "feature-gates": "BoundServiceAccountTokenVolume=true",  # as since 1.22; without it pods need a controller
    }
    return [f"--{name}={value}" for name, value in settings.items()]


@contextmanager
def _running(command: list[str], log: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()
