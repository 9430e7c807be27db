"""Whole control planes, put together crosswise: upstream's components on our API server, and ours on upstream's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.interop.kubectl import Kubectl
from tests.interop.processes import Processes, eventually
from tests.interop.servers import RANGE, Server, start_ours, start_upstream
from tests.interop.upstream import Upstream

SERVED = (25, 37)
"""The oldest and the newest minor release that our API server can be."""
NODES = ("sim-0", "sim-1", "sim-2")
GRACE = ("--node-monitor-period=1s", "--node-monitor-grace-period=30s")
"""Nodes that are silent are found out sooner than usual; simulated ones renew their leases every 20 s."""


@dataclass(frozen=True)
class Cluster:
    """A control plane with three simulated nodes."""

    server: Server
    upstream: Upstream
    processes: Processes

    @property
    def kubectl(self) -> Kubectl:
        return self.server.kubectl

    @property
    def has_upstream_controllers(self) -> bool:
        return not self.server.is_upstream

    def start_our_manager(self, *flags: str, name: str = "controller-manager") -> None:
        self.processes.start_ours(
            name, "controller-manager", "--kubeconfig", str(self.server.kubeconfig), "--secure-port=0",
            *self._keys(), *GRACE, *flags,
        )  # fmt: skip

    def start_upstream_manager(self, *flags: str, name: str = "controller-manager") -> None:
        config = str(self.server.kubeconfig)
        self.processes.start(
            name,
            [
                self.upstream.path("kube-controller-manager"), f"--kubeconfig={config}", "--secure-port=0",
                f"--root-ca-file={self.server.pki.ca.certificate}", *self._keys(), *GRACE,
                *self.upstream.manager_flags, *flags,
            ],
        )  # fmt: skip

    def start_our_scheduler(self, *flags: str, name: str = "scheduler") -> None:
        config = str(self.server.kubeconfig)
        self.processes.start_ours(name, "scheduler", "--kubeconfig", config, "--secure-port=0", *flags)

    def start_upstream_scheduler(self, *flags: str, name: str = "scheduler") -> None:
        config, program = str(self.server.kubeconfig), self.upstream.path("kube-scheduler")
        given = [f"--kubeconfig={config}", "--secure-port=0", *self.upstream.scheduler_flags, *flags]
        self.processes.start(name, [program, *given])

    def start_others(self) -> None:
        """Controllers and scheduler of the other side, until there is what pods need."""
        if self.server.is_upstream:
            self.start_our_manager()
            self.start_our_scheduler()
        else:
            self.start_upstream_manager()
            self.start_upstream_scheduler()
        eventually(lambda: self.kubectl("-n", "default", "get", "serviceaccount", "default"), seconds=60)

    def _keys(self) -> list[str]:
        pki = self.server.pki
        return [
            f"--service-account-private-key-file={pki.service_account_key}",
            f"--cluster-signing-cert-file={pki.ca.certificate}",
            f"--cluster-signing-key-file={pki.ca.key}",
            f"--service-cluster-ip-range={RANGE}",
            "--controllers=*,bootstrapsigner,tokencleaner",
            "--use-service-account-credentials=true",
        ]


def our_version(upstream: Upstream) -> str:
    """Which Kubernetes version our API server is: as the environment says, or as near to upstream's as it can be."""
    oldest, newest = SERVED
    return os.environ.get("CLOUDK8S_INTEROP_VERSION") or f"1.{min(max(upstream.minor, oldest), newest)}"


@contextmanager
def api_server(
    folder: Path, upstream: Upstream, *, is_upstream: bool, prefix: tuple[str, ...] = ()
) -> Iterator[Cluster]:
    """An API server alone; its components run where it does."""
    processes = Processes(folder, prefix)
    try:
        start = start_upstream(processes, folder, upstream) if is_upstream else None
        yield Cluster(start or start_ours(processes, folder, our_version(upstream)), upstream, processes)
    finally:
        processes.stop()


@contextmanager
def crosswise(folder: Path, upstream: Upstream, *, is_upstream: bool) -> Iterator[Cluster]:
    """The same with controllers and a scheduler of the other side, and simulated nodes."""
    with api_server(folder, upstream, is_upstream=is_upstream) as cluster:
        cluster.start_others()
        config, count = str(cluster.server.kubeconfig), str(len(NODES))
        cluster.processes.start_ours("nodes", "simulated-nodes", "--kubeconfig", config, "--count", count)
        eventually(lambda: cluster.kubectl("wait", "--for=condition=Ready", "node", *NODES, "--timeout=60s"))
        yield cluster
