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
from cloudk8s.provisioning.bootstrap.kubeadm_rules import administrator, rules
from cloudk8s.provisioning.bootstrap.kubeadm_script import AFTER, BEFORE, DONE, HEAD, INIT, INSTALL, JOIN
from cloudk8s.provisioning.bootstrap.native import may_set
from cloudk8s.provisioning.bootstrap.options import read_options
from cloudk8s.provisioning.bootstrap.stacked_etcd import StackedEtcd

if TYPE_CHECKING:
    from cloudk8s.provisioning.nodes.api import ClusterApi

FORMS = ((31, "v1beta4"), (22, "v1beta3"), (0, "v1beta2"))
"""The forms of kubeadm's files, each with the minor version that came to know it."""
ETCD = Profile("etcd/ca", "etcd-ca", authority="")
FLANNEL = "https://github.com/flannel-io/flannel/releases/latest/download/kube-flannel.yml"
FLANNEL_RANGE = "10.244.0.0/16"
"""Addresses of pods in that manifest."""


class KubeadmOptions(BaseModel):
    """`bootstrap.options` of this method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    install: str = ""
    """Shell commands in place of ours that install containerd, kubelet and kubeadm; `true` where the image has them."""
    network: str = FLANNEL
    """Manifest of the pod network, applied once; a URL or a file of the image. Ours gets the declared range of pods."""
    domain: str = "cluster.local"
    """DNS domain of the cluster."""
    ignore: tuple[str, ...] = ()
    """Checks of kubeadm's that machines need not pass, such as `NumCPU` and `Mem` for small ones."""


class KubeadmBootstrap:
    """Fulfils `BootstrapMethod`."""

    joins, grows, shares_user_data = True, True, False

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(KubeadmOptions, options)

    def control_plane(self, facts: Facts, request: MachineRequest) -> bytes:
        answering = facts.endpoint or f"127.0.0.1:{facts.declaration.network.api.port}"
        is_first = "yes" if facts.is_first else "no"
        join = self._join(facts, request)
        join["controlPlane"] = {"localAPIEndpoint": {"bindPort": facts.declaration.network.api.port}}
        init = {"answering": answering, "is_first": is_first, "network": self._network(facts)}
        return "".join(
            [
                self._head(facts), _keys(facts), _file("/run/kubeadm/init.yaml", *self._init(facts, request)),
                _file("/run/kubeadm/join.yaml", join), _file("/run/kubeadm/rules.yaml", *rules(_minor(facts))),
                INIT % init, BEFORE % {"admin": administrator(_minor(facts)), "version": _version(facts)},
                JOIN % {"again": "; keys"}, AFTER, DONE,
            ]
        ).encode()  # fmt: skip

    def worker(self, facts: Facts, request: MachineRequest) -> bytes:
        join = _file("/run/kubeadm/join.yaml", self._join(facts, request))
        return (self._head(facts) + join + JOIN % {"again": ""} + DONE).encode()

    def join_secret(self, facts: Facts, request: MachineRequest) -> str:
        return facts.seed.secret(f"join/{request.pool}/{request.name}")

    def configuration(self, facts: Facts, group: str) -> Mapping[str, Any] | None:
        return None

    def member_keeps(self, api: ClusterApi, machine: str, others: Sequence[str]) -> str:
        return StackedEtcd(api).keeps(machine, others)

    def _head(self, facts: Facts) -> str:
        minor = ".".join(facts.declaration.version.split(".")[:2])
        install = self._options.install.strip() or INSTALL % {"minor": minor}
        return HEAD % {"cluster": facts.declaration.name, "install": install}

    def _init(self, facts: Facts, request: MachineRequest) -> list[Mapping[str, Any]]:
        declared, network = facts.declaration, facts.declaration.network
        cluster = {
            "apiVersion": _api(facts), "kind": "ClusterConfiguration", "clusterName": declared.name,
            "kubernetesVersion": _version(facts),
            **({"controlPlaneEndpoint": facts.endpoint} if facts.endpoint else {}),
            "networking": {
                "podSubnet": ",".join(network.pod_cidrs), "serviceSubnet": ",".join(network.service_cidrs),
                "dnsDomain": self._options.domain,
            },
        }  # fmt: skip
        init = {
            "apiVersion": _api(facts), "kind": "InitConfiguration",
            "nodeRegistration": self._node(facts, request), "localAPIEndpoint": {"bindPort": network.api.port},
            "bootstrapTokens": [self._own_token(facts, request)],
        }  # fmt: skip
        return [cluster, init]

    def _join(self, facts: Facts, request: MachineRequest) -> dict[str, Any]:
        token = {
            "apiServerEndpoint": facts.endpoint, "caCertHashes": [facts.seed.pin()],
            "token": machine_token(self.join_secret(facts, request), request.name),
        }  # fmt: skip
        return {
            "apiVersion": _api(facts), "kind": "JoinConfiguration",
            "discovery": {"bootstrapToken": token}, "nodeRegistration": self._node(facts, request),
        }  # fmt: skip

    def _network(self, facts: Facts) -> str:
        """The command that applies the pod network's manifest."""
        range = facts.declaration.network.pod_cidrs[0]
        if self._options.network == FLANNEL and range != FLANNEL_RANGE:
            return f"curl -fsSL '{FLANNEL}' | sed 's#{FLANNEL_RANGE}#{range}#' | kubectl apply -f -"
        return f"kubectl apply -f '{self._options.network}'"

    def _own_token(self, facts: Facts, request: MachineRequest) -> dict[str, Any]:
        """kubeadm makes a token where it is given none, whose owner gets any certificate; this one is worth nothing."""
        token = machine_token(self.join_secret(facts, request), request.name)
        return {"token": token, "description": "nobody's", "groups": [MACHINES], "ttl": "1m0s"}

    def _node(self, facts: Facts, request: MachineRequest) -> dict[str, Any]:
        ignored = {"ignorePreflightErrors": list(self._options.ignore)} if self._options.ignore else {}
        return _registration(facts, request) | ignored


def _minor(facts: Facts) -> int:
    return int(facts.declaration.version.split(".")[1])


def _version(facts: Facts) -> str:
    """With a patch version, which kubeadm wants."""
    version = facts.declaration.version
    return f"v{version}" if version.count(".") == 2 else f"v{version}.0"


def _api(facts: Facts) -> str:
    """The newest form of its files that the version knows."""
    return "kubeadm.k8s.io/" + next(form for since, form in FORMS if _minor(facts) >= since)


def _registration(facts: Facts, request: MachineRequest) -> dict[str, Any]:
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
    key = facts.seed.rsa_service_account_key()  # versions before 1.25.2 let nobody join with another kind
    files |= {"sa.key": key, "sa.pub": public_key(key)}
    texts = "".join(f"cat > /etc/kubernetes/pki/{name} <<'END'\n{data.decode()}END\n" for name, data in files.items())
    return f"keys() {{\nmkdir -p /etc/kubernetes/pki/etcd\n{texts}}}\nkeys\n"


def _file(path: str, *documents: Mapping[str, Any]) -> str:
    text = "---\n".join(yaml_codec.encode(dict(document)).decode() for document in documents)
    return f"cat > {path} <<'END'\n{text}END\n"


def kubeadm(options: Mapping[str, Any]) -> KubeadmBootstrap:
    """Upstream's kubeadm."""
    return KubeadmBootstrap(options)
