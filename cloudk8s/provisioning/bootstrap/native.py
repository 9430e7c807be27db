"""Our own agent and control plane: the method `cloudk8s`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from cloudk8s.cloud.model.machine import NAMES, MachineRequest
from cloudk8s.network.dns.publication import cluster_ip_of
from cloudk8s.provisioning.bookmarks import looks_secret
from cloudk8s.provisioning.bootstrap.interface import Facts
from cloudk8s.provisioning.bootstrap.options import read_options
from cloudk8s.provisioning.bootstrap.script import script
from cloudk8s.provisioning.declaration.cluster import CONTROL_PLANE, ClusterDeclaration

_RESTRICTED = ("kubernetes.io", "k8s.io")
OF_THE_CALLER = ("profile", "role_arn")
"""Settings of providers that say who asks."""
_ALLOWED = ("kubelet.kubernetes.io", "node.kubernetes.io", "topology.kubernetes.io")


class NativeOptions(BaseModel):
    """`bootstrap.options` of this method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    install: str = ""
    """Shell commands that put `cloudk8s` on a machine whose image has none."""
    runtime: str = "host"
    """What runs pods: `host` or `cri`."""
    domain: str = "cluster.local"
    """DNS domain of the cluster."""


class NativeBootstrap:
    """Fulfils `BootstrapMethod`."""

    joins, grows, shares_user_data = True, True, True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(NativeOptions, options)

    def control_plane(self, facts: Facts, request: MachineRequest) -> bytes:
        port = facts.declaration.network.api.port
        settings = {
            "role": "control-plane", "name": request.name, "seed": facts.seed.value.hex(), "port": port,
            "endpoint": facts.endpoint, "load_balancer_range": facts.network.get("load_balancer_range", ""),
            "predecessor": facts.predecessor, "clouds": _clouds(facts), **_store(facts), **_management(facts),
            **self._cluster(facts), "node": self._node(facts, request.pool),
        }  # fmt: skip
        runs_etcd = facts.declaration.keeps_etcd
        return script(facts.declaration.name, settings, self._options.install, runs_etcd=runs_etcd)

    def worker(self, facts: Facts, request: MachineRequest) -> bytes:
        settings = {
            "role": "worker", "cluster": facts.declaration.name, "names": NAMES.decode(), "group": request.pool,
            "endpoint": facts.endpoint, "pin": facts.seed.pin(), "secret": self.join_secret(facts, request),
        }  # fmt: skip
        return script(facts.declaration.name, settings, self._options.install)

    def join_secret(self, facts: Facts, request: MachineRequest) -> str:
        if request.role == "control-plane":
            return ""  # it has the seed
        whose = request.name.rpartition("-")[0] if facts.is_shared else request.name
        return facts.seed.secret(f"join/{request.pool}/{whose}")

    def configuration(self, facts: Facts, group: str) -> Mapping[str, Any] | None:
        if group == CONTROL_PLANE:
            return None
        dns = cluster_ip_of(facts.declaration.network.service_cidrs[0])
        return {**self._cluster(facts), "dns": dns, "node": self._node(facts, group)}

    def _cluster(self, facts: Facts) -> dict[str, Any]:
        declared, network = facts.declaration, facts.declaration.network
        return {
            "cluster": declared.name, "version": declared.version, "pod_cidr": ",".join(network.pod_cidrs),
            "service_cidr": ",".join(network.service_cidrs), "domain": self._options.domain,
            "machine_cidr": facts.network.get("range") or network.cidr,
            "routes": "cloud" if declared.provider == "aws" else "machines",
        }  # fmt: skip

    def _node(self, facts: Facts, group: str) -> dict[str, Any]:
        """What a node may say of itself; the rest is given to it later."""
        labels = {key: value for key, value in facts.of_group(group).labels.items() if may_set(key)}
        node: dict[str, Any] = {"labels": labels, "taints": list(facts.taints(group))}
        if _clouds(facts):
            node["cloud_provider"] = "external"
        return node | ({"runtime": self._options.runtime} if self._options.runtime != "host" else {})


def _store(facts: Facts) -> dict[str, Any]:
    """How this machine and others keep the cluster's state together."""
    if not facts.declaration.keeps_etcd:
        return {}
    shared = facts.network.get("load_balancer_state", "")
    return {"store": "etcd", "is_first": facts.is_first, **({"load_balancer_state": shared} if shared else {})}


def _management(facts: Facts) -> dict[str, Any]:
    """Where its own machines are, for a cluster that looks after itself."""
    declared = facts.declaration
    if not declared.self_managed:
        return {}
    return {"manages": {"provider": declared.provider, "settings": _settings(declared)}}


def _settings(declared: ClusterDeclaration) -> dict[str, Any]:
    """Those of the provider that hold on a machine, too, which has an identity of its own."""
    return {
        key: value
        for key, value in declared.settings.items()
        if not looks_secret(key) and key not in OF_THE_CALLER and value is not None
    }


def may_set(label: str) -> bool:
    """Whether a node may give itself this label."""
    domain = label.partition("/")[0] if "/" in label else ""
    is_restricted = any(domain == each or domain.endswith(f".{each}") for each in _RESTRICTED)
    return not is_restricted or any(domain == each or domain.endswith(f".{each}") for each in _ALLOWED)


def _clouds(facts: Facts) -> list[dict[str, Any]]:
    """The cloud whose controllers run in the cluster: machines there have an identity of their own."""
    declared = facts.declaration
    if declared.provider != "aws":
        return []
    return [{"name": declared.provider, "provider": declared.provider, "settings": _settings(declared)}]


def native(options: Mapping[str, Any]) -> NativeBootstrap:
    """Our own agent and control plane."""
    return NativeBootstrap(options)
