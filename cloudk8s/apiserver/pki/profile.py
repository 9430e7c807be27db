"""Which certificates a cluster has, and what stands in them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

CA_LIFETIME = timedelta(days=3650)
LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=60)
"""A certificate with less than this left is made anew at the next start."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One certificate; `file` is its name without suffix, `authority` the file of who signs it (empty: itself)."""

    file: str
    common_name: str
    organizations: tuple[str, ...] = ()
    authority: str = "ca"
    hosts: tuple[str, ...] = ()
    """DNS names and IP addresses; a certificate with any is for a server."""
    lifetime: timedelta = LIFETIME
    is_peer: bool = False
    """A server that is a client of its like, too."""

    @property
    def is_authority(self) -> bool:
        return not self.authority


AUTHORITIES = (
    Profile("ca", "kubernetes", authority="", lifetime=CA_LIFETIME),
    Profile("front-proxy-ca", "front-proxy-ca", authority="", lifetime=CA_LIFETIME),
)
CLIENTS = (
    Profile("admin", "kubernetes-admin", ("system:masters",)),
    Profile("apiserver-kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",)),
    Profile("controller-manager", "system:kube-controller-manager"),
    Profile("scheduler", "system:kube-scheduler"),
    Profile("cloud-controller-manager", "system:cloud-controller-manager"),
    Profile("kube-proxy", "system:kube-proxy", ("system:node-proxier",)),
    Profile("front-proxy-client", "front-proxy-client", authority="front-proxy-ca"),
)


def serving(hosts: Sequence[str]) -> Profile:
    return Profile("apiserver", "kube-apiserver", hosts=tuple(hosts))


def serving_hosts(*, bind: str, service_cluster_ip_range: str, cluster_domain: str) -> tuple[str, ...]:
    """Every name and address that the API server is called by."""
    names = ["localhost", socket.gethostname(), "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    names += [f"kubernetes.default.svc.{cluster_domain}", "127.0.0.1", "::1"]
    if bind not in ("", "0.0.0.0", "::"):
        names.append(bind)
    names += [str(ip_network(part.strip())[1]) for part in service_cluster_ip_range.split(",") if part.strip()]
    return tuple(dict.fromkeys(names))
