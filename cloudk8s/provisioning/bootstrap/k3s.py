"""k3s: one binary. Servers have the cluster's authorities, agents a token with the digest of the authority.

With more than one server etcd is embedded. Agents come with a bootstrap token, each with its own, as with kubeadm.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from cloudk8s.apiserver.pki.profile import AUTHORITIES, Profile
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.controlplane.machine.seed import machine_token
from cloudk8s.provisioning.bootstrap.interface import Facts
from cloudk8s.provisioning.bootstrap.native import may_set
from cloudk8s.provisioning.bootstrap.options import read_options

TLS = "/var/lib/rancher/k3s/server/tls"
_CA, _FRONT_PROXY = AUTHORITIES
_ETCD = (
    Profile("etcd/server-ca", "etcd-server-ca", authority=""),
    Profile("etcd/peer-ca", "etcd-peer-ca", authority=""),
)
_SCRIPT = """\
#!/bin/sh
# A machine of cluster %(cluster)s, made by `cloudk8s cluster`.
set -eu
umask 077
[ ! -e /etc/systemd/system/k3s%(suffix)s.service ] || exit 0
%(prepare)sexport INSTALL_K3S_CHANNEL=%(channel)s
install() {
  %(install)s
}
until install; do sleep 5; done
"""
_INSTALL = "curl -sfLo /run/k3s-install.sh https://get.k3s.io && sh /run/k3s-install.sh $role"
"""Not by a pipe: a shell that gets nothing to read ends well, although nothing was installed."""


class K3sOptions(BaseModel):
    """`bootstrap.options` of this method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str = ""
    """Release channel or version of k3s; empty is that of the cluster's minor version."""
    install: str = _INSTALL
    """Command that installs and starts k3s with the arguments in `$role`."""
    arguments: tuple[str, ...] = ()
    """More arguments of servers."""


class K3sBootstrap:
    """Fulfils `BootstrapMethod`."""

    joins, grows, shares_user_data = True, True, False

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(K3sOptions, options)

    def control_plane(self, facts: Facts, request: MachineRequest) -> bytes:
        network = facts.declaration.network
        host, server = facts.endpoint.rpartition(":")[0].strip("[]"), f"https://{facts.endpoint}"
        arguments = [
            "server", "--token", facts.seed.secret("k3s/server"), "--node-name", request.name,
            "--https-listen-port", str(network.api.port), "--cluster-cidr", ",".join(network.pod_cidrs),
            "--service-cidr", ",".join(network.service_cidrs), *(("--tls-san", host) if host else ()),
            *_node(facts, request), *self._options.arguments,
        ]  # fmt: skip
        prepare = _keys(facts) + _assigned("role", arguments)
        if facts.declaration.control_plane.replicas > 1:
            prepare += _choice(server, is_first=facts.is_first)
        return self._script(facts, prepare, "")

    def worker(self, facts: Facts, request: MachineRequest) -> bytes:
        token = f"K10{_digest(facts)}::{machine_token(self.join_secret(facts, request), request.name)}"
        arguments = [
            "agent", "--server", f"https://{facts.endpoint}", "--token", token, "--node-name", request.name,
            *_node(facts, request),
        ]  # fmt: skip
        return self._script(facts, _assigned("role", arguments), "-agent")

    def join_secret(self, facts: Facts, request: MachineRequest) -> str:
        return facts.seed.secret(f"join/{request.pool}/{request.name}") if request.role == "worker" else ""

    def configuration(self, facts: Facts, group: str) -> Mapping[str, Any] | None:
        return None

    def _script(self, facts: Facts, prepare: str, suffix: str) -> bytes:
        minor = ".".join(facts.declaration.version.split(".")[:2])
        values = {
            "cluster": facts.declaration.name, "suffix": suffix, "prepare": prepare,
            "channel": shlex.quote(self._options.channel or f"v{minor}"), "install": self._options.install,
        }  # fmt: skip
        return (_SCRIPT % values).encode()


def _assigned(name: str, words: list[str]) -> str:
    """A variable that the shell splits into these words: none of them has a space."""
    return f"{name}={shlex.quote(' '.join(words))}\n"


def _choice(server: str, *, is_first: bool) -> str:
    """Which server makes the cluster is known only when it boots: the first one, if nothing answers yet."""
    join = f'role="$role --server {server}"\n'
    if not is_first:
        return join
    return f"if curl -ksf -m 5 '{server}/ping' > /dev/null; then\n  {join}else\n  role=\"$role --cluster-init\"\nfi\n"


def _node(facts: Facts, request: MachineRequest) -> list[str]:
    labels = {key: value for key, value in facts.of_group(request.pool).labels.items() if may_set(key)}
    words = [word for key, value in sorted(labels.items()) for word in ("--node-label", f"{key}={value}")]
    for taint in facts.taints(request.pool):
        words += ["--node-taint", f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"]
    return words


def _digest(facts: Facts) -> str:
    """Of the authority's certificate, as agents compare it."""
    return hashlib.sha256(facts.seed.authority(_CA).certificate).hexdigest()


def _keys(facts: Facts) -> str:
    authority, front_proxy = facts.seed.authority(_CA), facts.seed.authority(_FRONT_PROXY)
    files: dict[str, bytes] = {"service.key": facts.seed.service_account_key()}
    for name in ("server-ca", "client-ca"):
        files |= {f"{name}.crt": authority.certificate, f"{name}.key": authority.key}
    files |= {"request-header-ca.crt": front_proxy.certificate, "request-header-ca.key": front_proxy.key}
    for profile in _ETCD:
        issued = facts.seed.authority(profile)
        files |= {f"{profile.file}.crt": issued.certificate, f"{profile.file}.key": issued.key}
    texts = "".join(f"cat > {TLS}/{name} <<'END'\n{data.decode()}END\n" for name, data in files.items())
    return f"mkdir -p {TLS}/etcd\n{texts}"


def k3s(options: Mapping[str, Any]) -> K3sBootstrap:
    """k3s."""
    return K3sBootstrap(options)
