"""Whole control planes, put together crosswise: upstream's components on our API server, and ours on upstream's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

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

    @property
    def minor(self) -> int:
        """The API server's minor release."""
        version: str = json.loads(self.kubectl("get", "--raw", "/version"))["minor"]
        return int(version.rstrip("+"))

    def skip_without_jobs(self) -> None:
        """Skip the test where the server is too new for the controllers of Jobs."""
        if self.has_upstream_controllers and self.upstream.minor < 31 and self.minor >= 32:
            pytest.skip("servers since 1.32 refuse the end of a Job without conditions that came with 1.31")

    def start_our_manager(self, *flags: str, name: str = "controller-manager") -> None:
        self.processes.start_ours(
            name, "controller-manager", "--kubeconfig", self._config_of("controller-manager"), "--secure-port=0",
            *self._keys(), *GRACE, *flags,
        )  # fmt: skip

    def start_upstream_manager(self, *flags: str, name: str = "controller-manager") -> None:
        config = self._config_of("controller-manager")
        self.processes.start(
            name,
            [
                self.upstream.path("kube-controller-manager"), f"--kubeconfig={config}", "--secure-port=0",
                f"--root-ca-file={self.server.pki.ca.certificate}", *self._keys(), *GRACE,
                *self.upstream.manager_flags, *flags,
            ],
        )  # fmt: skip

    def start_our_scheduler(self, *flags: str, name: str = "scheduler") -> None:
        config = self._config_of("scheduler")
        if self.minor < 21:
            self._let_schedulers_read_more()
        self.processes.start_ours(name, "scheduler", "--kubeconfig", config, "--secure-port=0", *flags)

    def start_upstream_scheduler(self, *flags: str, name: str = "scheduler") -> None:
        config, program = self._config_of("scheduler"), self.upstream.path("kube-scheduler")
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

    def _let_schedulers_read_more(self) -> None:
        """What their role has allowed since 1.21: affinity selects namespaces, storage has a capacity."""
        name, rules = "interop-scheduler", ("--verb=get,list,watch", "--resource=namespaces,csidrivers.storage.k8s.io")
        self.kubectl.run("create", "clusterrole", name, *rules)
        self.kubectl.run("create", "clusterrolebinding", name, f"--clusterrole={name}", "--user=system:kube-scheduler")

    def _config_of(self, component: str) -> str:
        """A kubeconfig with the certificate that kubeadm, too, gives the component."""
        return str(self.server.kubeconfig_of(self.processes.folder / f"{component}.conf", component))

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
