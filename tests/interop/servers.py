"""An API server, ours or upstream's, and nothing else: what both kinds of components are then run against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloudk8s.apiserver.kubeconfig import Access, write
from cloudk8s.apiserver.pki import PKI, ensure
from tests.interop.kubectl import Kubectl
from tests.interop.processes import Processes, eventually, free_port
from tests.interop.upstream import Upstream, program_or_skip

RANGE = "10.96.0.0/16"
ISSUER = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class Server:
    """A running API server."""

    is_upstream: bool
    url: str
    kubeconfig: Path
    """Of an administrator."""
    pki: PKI
    kubectl: Kubectl

    def kubeconfig_of(self, path: Path, pair: str, server: str = "") -> Path:
        """A kubeconfig of one of the certificates."""
        found = self.pki.pair(pair)
        access = Access(
            pair, server or self.url, self.pki.ca.certificate.read_bytes(), found.certificate.read_bytes(),
            found.key.read_bytes(),
        )  # fmt: skip
        write(path, access)
        return path


def start_ours(processes: Processes, folder: Path, version: str) -> Server:
    """`cloudk8s apiserver`, of one Kubernetes version."""
    port, config = free_port(), folder / "admin.conf"
    processes.start_ours(
        "apiserver", "apiserver", "--data-dir", str(folder / "data"), "--secure-port", str(port),
        "--kubeconfig-out", str(config), "--kubernetes-version", version,
    )  # fmt: skip
    eventually(config.exists, seconds=60)
    return _ready(
        Server(False, f"https://127.0.0.1:{port}", config, ensure(folder / "data"), Kubectl(config, processes.prefix))
    )


def start_upstream(processes: Processes, folder: Path, upstream: Upstream) -> Server:
    """kube-apiserver on an etcd of its own, with the certificates that ours would have."""
    pki, port, config = ensure(folder / "data"), free_port(), folder / "admin.conf"
    pair = pki.serving
    server = Server(True, f"https://127.0.0.1:{port}", config, pki, Kubectl(config, processes.prefix))
    server.kubeconfig_of(config, "admin")
    store, key = _start_etcd(processes, folder), pki.service_account_key
    of_kubelets, front = pki.pair("apiserver-kubelet-client"), pki.pair("front-proxy-client")
    settings = {
        "etcd-servers": store,
        "secure-port": port,
        "bind-address": "127.0.0.1",
        "client-ca-file": pki.ca.certificate,
        "tls-cert-file": pair.certificate,
        "tls-private-key-file": pair.key,
        "service-account-key-file": key.with_suffix(".pub"),
        "service-account-signing-key-file": key,
        "service-account-issuer": ISSUER,
        "service-cluster-ip-range": RANGE,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": "true",
        "allow-privileged": "true",
        "kubelet-client-certificate": of_kubelets.certificate,
        "kubelet-client-key": of_kubelets.key,
        "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": pki.front_proxy_ca.certificate,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": front.certificate,
        "proxy-client-key-file": front.key,
    }
    given = [f"--{name}={value}" for name, value in settings.items()]
    processes.start("apiserver", [upstream.path("kube-apiserver"), *given, *upstream.server_flags])
    return _ready(server)


def _start_etcd(processes: Processes, folder: Path) -> str:
    url, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = [
        program_or_skip("etcd"), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync",
        "--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", peers,
        "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}",
    ]  # fmt: skip
    processes.start("etcd", command)
    return url


def _ready(server: Server) -> Server:
    eventually(lambda: server.kubectl.run("get", "--raw", "/readyz").returncode == 0, seconds=60)
    return server
