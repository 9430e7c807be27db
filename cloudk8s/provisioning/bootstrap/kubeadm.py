"""Upstream's kubeadm: containerd, kubelet and kubeadm from upstream's packages, stacked etcd.

All machines of the control plane get the same authorities, so that none has to be copied between them. The first one
makes the cluster if nothing answers at its endpoint, the others and workers join by token and pin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from cloudk8s.apiserver.pki.profile import AUTHORITIES, Profile
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.controlplane.machine.rules import MACHINES
from cloudk8s.controlplane.machine.seed import machine_token
from cloudk8s.machinery import yaml_codec
from cloudk8s.provisioning.bootstrap.interface import Facts
from cloudk8s.provisioning.bootstrap.native import may_set
from cloudk8s.provisioning.bootstrap.options import read_options
from cloudk8s.provisioning.bootstrap.stacked_etcd import StackedEtcd

if TYPE_CHECKING:
    from cloudk8s.provisioning.nodes.api import ClusterApi

NEW_FORM = 31
"""The minor version that came to know `v1beta4` of kubeadm's files."""
ETCD = Profile("etcd/ca", "etcd-ca", authority="")
FLANNEL = "https://github.com/flannel-io/flannel/releases/latest/download/kube-flannel.yml"
_INSTALL = """\
export DEBIAN_FRONTEND=noninteractive
modprobe overlay || true; modprobe br_netfilter || true
printf 'net.ipv4.ip_forward = 1\\nnet.bridge.bridge-nf-call-iptables = 1\\n' > /etc/sysctl.d/90-kubernetes.conf
sysctl -q --system
until apt-get update -q && apt-get install -qy ca-certificates curl gpg containerd; do sleep 5; done
mkdir -p /etc/apt/keyrings /etc/containerd
source=https://pkgs.k8s.io/core:/stable:/v%(minor)s/deb/
ring=/etc/apt/keyrings/kubernetes.gpg
until curl -fsSL "${source}Release.key" | gpg --batch --yes --dearmor -o $ring; do sleep 5; done
echo "deb [signed-by=$ring] $source /" > /etc/apt/sources.list.d/kubernetes.list
until apt-get update -q && apt-get install -qy kubelet kubeadm kubectl; do sleep 5; done
apt-mark hold kubelet kubeadm kubectl
containerd config default | sed 's/SystemdCgroup = false/SystemdCgroup = true/' > /etc/containerd/config.toml
systemctl restart containerd
systemctl enable kubelet"""
_HEAD = """\
#!/bin/sh
# A machine of cluster %(cluster)s, made by `cloudk8s cluster`.
set -eu
umask 077
[ ! -e /etc/kubernetes/kubelet.conf ] || exit 0
%(install)s
mkdir -p /run/kubeadm
"""
_JOIN = """\
until kubeadm join --config /run/kubeadm/join.yaml; do kubeadm reset -f || true; sleep 5%(again)s; done
mkdir -p /run/cluster-api && touch /run/cluster-api/bootstrap-success.complete
"""
_INIT = """\
if ! curl -ksf -m 5 'https://%(endpoint)s/readyz' > /dev/null && [ '%(is_first)s' = yes ]; then
  until kubeadm init --config /run/kubeadm/init.yaml; do kubeadm reset -f || true; sleep 5; keys; done
  export KUBECONFIG=/etc/kubernetes/admin.conf
  until kubectl apply -f /run/kubeadm/rules.yaml; do sleep 2; done
  until kubectl apply -f '%(network)s'; do sleep 5; done
  mkdir -p /run/cluster-api && touch /run/cluster-api/bootstrap-success.complete
  exit 0
fi
"""


class KubeadmOptions(BaseModel):
    """`bootstrap.options` of this method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    install: str = ""
    """Shell commands in place of ours that install containerd, kubelet and kubeadm; `true` where the image has them."""
    network: str = FLANNEL
    """Manifest of the pod network, applied once; a URL or a file of the image."""
    domain: str = "cluster.local"
    """DNS domain of the cluster."""


class KubeadmBootstrap:
    """Fulfils `BootstrapMethod`."""

    joins, grows, shares_user_data = True, True, False

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(KubeadmOptions, options)

    def control_plane(self, facts: Facts, request: MachineRequest) -> bytes:
        endpoint = facts.endpoint or f"{request.name}:{facts.declaration.network.api.port}"
        is_first = "yes" if facts.is_first else "no"
        join = self._join(facts, request)
        join["controlPlane"] = {"localAPIEndpoint": {"bindPort": facts.declaration.network.api.port}}
        init = {"endpoint": endpoint, "is_first": is_first, "network": self._options.network}
        return "".join(
            [
                self._head(facts), _keys(facts), _file("/run/kubeadm/init.yaml", *self._init(facts, request, endpoint)),
                _file("/run/kubeadm/join.yaml", join), _file("/run/kubeadm/rules.yaml", *_rules()), _INIT % init,
                _JOIN % {"again": "; keys"},
            ]
        ).encode()  # fmt: skip

    def worker(self, facts: Facts, request: MachineRequest) -> bytes:
        join = _file("/run/kubeadm/join.yaml", self._join(facts, request))
        return (self._head(facts) + join + _JOIN % {"again": ""}).encode()

    def join_secret(self, facts: Facts, request: MachineRequest) -> str:
        return facts.seed.secret(f"join/{request.pool}/{request.name}")

    def configuration(self, facts: Facts, group: str) -> Mapping[str, Any] | None:
        return None

    def member_keeps(self, api: ClusterApi, machine: str, others: Sequence[str]) -> str:
        return StackedEtcd(api).keeps(machine, others)

    def _head(self, facts: Facts) -> str:
        minor = ".".join(facts.declaration.version.split(".")[:2])
        install = self._options.install.strip() or _INSTALL % {"minor": minor}
        return _HEAD % {"cluster": facts.declaration.name, "install": install}

    def _init(self, facts: Facts, request: MachineRequest, endpoint: str) -> list[Mapping[str, Any]]:
        declared, network = facts.declaration, facts.declaration.network
        version = declared.version if declared.version.count(".") == 2 else f"{declared.version}.0"
        cluster = {
            "apiVersion": _api(facts), "kind": "ClusterConfiguration", "clusterName": declared.name,
            "kubernetesVersion": f"v{version}", "controlPlaneEndpoint": endpoint,
            "networking": {
                "podSubnet": ",".join(network.pod_cidrs), "serviceSubnet": ",".join(network.service_cidrs),
                "dnsDomain": self._options.domain,
            },
        }  # fmt: skip
        init = {
            "apiVersion": _api(facts), "kind": "InitConfiguration",
            "nodeRegistration": _node(facts, request), "localAPIEndpoint": {"bindPort": network.api.port},
            "bootstrapTokens": [],
        }  # fmt: skip
        return [cluster, init]

    def _join(self, facts: Facts, request: MachineRequest) -> dict[str, Any]:
        token = {
            "apiServerEndpoint": facts.endpoint, "caCertHashes": [facts.seed.pin()],
            "token": machine_token(self.join_secret(facts, request), request.name),
        }  # fmt: skip
        return {
            "apiVersion": _api(facts), "kind": "JoinConfiguration",
            "discovery": {"bootstrapToken": token}, "nodeRegistration": _node(facts, request),
        }  # fmt: skip


def _api(facts: Facts) -> str:
    """The newest form of its files that the version knows."""
    minor = int(facts.declaration.version.split(".")[1])
    return f"kubeadm.k8s.io/{'v1beta4' if minor >= NEW_FORM else 'v1beta3'}"


def _node(facts: Facts, request: MachineRequest) -> dict[str, Any]:
    labels = {key: value for key, value in facts.of_group(request.pool).labels.items() if may_set(key)}
    node: dict[str, Any] = {"name": request.name, "taints": [dict(taint) for taint in facts.taints(request.pool)]}
    text = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    if not text:
        return node
    is_new = _api(facts).endswith("v1beta4")
    return node | {"kubeletExtraArgs": [{"name": "node-labels", "value": text}] if is_new else {"node-labels": text}}


def _keys(facts: Facts) -> str:
    """A shell function that puts everything that machines of the control plane share into its place, and its call."""
    from cloudk8s.apiserver.pki.certificate import public_key

    files: dict[str, bytes] = {}
    for profile in (*AUTHORITIES, ETCD):
        issued = facts.seed.authority(profile)
        files |= {f"{profile.file}.crt": issued.certificate, f"{profile.file}.key": issued.key}
    key = facts.seed.service_account_key()
    files |= {"sa.key": key, "sa.pub": public_key(key)}
    texts = "".join(f"cat > /etc/kubernetes/pki/{name} <<'END'\n{data.decode()}END\n" for name, data in files.items())
    return f"keys() {{\nmkdir -p /etc/kubernetes/pki/etcd\n{texts}}}\nkeys\n"


def _file(path: str, *documents: Mapping[str, Any]) -> str:
    text = "---\n".join(yaml_codec.encode(dict(document)).decode() for document in documents)
    return f"cat > {path} <<'END'\n{text}END\n"


def _rules() -> list[Mapping[str, Any]]:
    """What machines with our tokens may do: ask for a certificate, and read how to configure themselves."""
    group = "rbac.authorization.k8s.io"
    subjects = [{"apiGroup": group, "kind": "Group", "name": MACHINES}]

    def binding(kind: str, role_kind: str, role: str, namespace: str = "") -> Mapping[str, Any]:
        name = f"cloudk8s:{role.rpartition(':')[2]}"
        metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
        reference = {"apiGroup": group, "kind": role_kind, "name": role}
        return {
            "apiVersion": f"{group}/v1",
            "kind": kind,
            "metadata": metadata,
            "roleRef": reference,
            "subjects": subjects,
        }

    return [
        binding("ClusterRoleBinding", "ClusterRole", "system:node-bootstrapper"),
        binding("ClusterRoleBinding", "ClusterRole", "kubeadm:get-nodes"),
        binding("RoleBinding", "Role", "kubeadm:nodes-kubeadm-config", "kube-system"),
        binding("RoleBinding", "Role", "kubeadm:kubelet-config", "kube-system"),
        binding("RoleBinding", "Role", "kube-proxy", "kube-system"),
    ]


def kubeadm(options: Mapping[str, Any]) -> KubeadmBootstrap:
    """Upstream's kubeadm."""
    return KubeadmBootstrap(options)
