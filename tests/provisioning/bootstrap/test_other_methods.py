"""User data of kubeadm and k3s: sound shell, small, always the same, and no authority's key for workers."""

from __future__ import annotations

import hashlib
import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.apiserver.pki.profile import AUTHORITIES
from cloudk8s.cloud.model.machine import MachineRequest
from cloudk8s.controlplane.machine.seed import Seed, machine_token
from cloudk8s.machinery import go_yaml
from cloudk8s.provisioning.bootstrap.catalog import bootstrap_method
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod, Facts
from cloudk8s.provisioning.declaration.cluster import Bootstrap
from tests.provisioning.harness import declaration

SEED = Seed(bytes(range(32)))
CLUSTER = declaration(
    controlPlane={"replicas": 3}, kubernetesVersion="1.36.2",
    pools=[{"name": "web", "replicas": 2, "labels": {"tier": "web"}, "taints": [{"key": "web"}]}],
)  # fmt: skip
FACTS = Facts(CLUSTER, SEED, "api.example.org:6443")
BEGINNING = replace(FACTS, is_first=True)
FIRST = MachineRequest("u0", "demo-control-plane-0", "demo", "control-plane", "control-plane")
SECOND = MachineRequest("u1", "demo-control-plane-1", "demo", "control-plane", "control-plane")
WORKER = MachineRequest("u2", "demo-web-0", "demo", pool="web")


@pytest.fixture(params=["kubeadm", "k3s"])
def method(request: pytest.FixtureRequest) -> BootstrapMethod:
    return bootstrap_method(Bootstrap(method=request.param), None)


def documents(script: str, path: str) -> list[Any]:
    """The YAML documents that a script writes to a file."""
    match = re.search(rf"^cat > {re.escape(path)} <<'END'\n(.*?)^END$", script, re.MULTILINE | re.DOTALL)
    assert match is not None
    return [go_yaml.parse(part.encode()).tree for part in match[1].split("---\n")]


def test_scripts_are_sound_small_and_always_the_same(method: BootstrapMethod) -> None:
    for data in (
        method.control_plane(BEGINNING, FIRST),
        method.control_plane(FACTS, SECOND),
        method.worker(FACTS, WORKER),
    ):
        assert len(data) < 16384
        subprocess.run(["sh", "-n"], input=data, check=True)
    again = Facts(CLUSTER, Seed(SEED.value), FACTS.endpoint, is_first=True)
    assert method.control_plane(BEGINNING, FIRST) == method.control_plane(again, FIRST)


def test_workers_get_no_key(method: BootstrapMethod) -> None:
    script = method.worker(FACTS, WORKER).decode()
    assert "PRIVATE KEY" not in script
    assert machine_token(method.join_secret(FACTS, WORKER), WORKER.name) in script
    assert "PRIVATE KEY" in method.control_plane(BEGINNING, FIRST).decode()


def test_kubeadm_is_told_version_endpoint_token_and_pin() -> None:
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    first = method.control_plane(BEGINNING, FIRST).decode()
    cluster, init = documents(first, "/run/kubeadm/init.yaml")
    assert cluster["kubernetesVersion"] == "v1.36.2"
    assert cluster["controlPlaneEndpoint"] == "api.example.org:6443"
    assert init["nodeRegistration"]["name"] == FIRST.name
    assert "'yes' = yes" in first
    assert "'no' = yes" in method.control_plane(FACTS, SECOND).decode()
    (join,) = documents(method.worker(FACTS, WORKER).decode(), "/run/kubeadm/join.yaml")
    assert join["discovery"]["bootstrapToken"]["caCertHashes"] == [SEED.pin()]
    assert join["nodeRegistration"]["taints"] == [{"effect": "NoSchedule", "key": "web"}]
    assert join["nodeRegistration"]["kubeletExtraArgs"] == [{"name": "node-labels", "value": "tier=web"}]
    assert "v1.36/deb/" in first


def test_k3s_agents_pin_the_authority() -> None:
    method = bootstrap_method(Bootstrap(method="k3s"), None)
    digest = hashlib.sha256(SEED.authority(AUTHORITIES[0]).certificate).hexdigest()
    worker = method.worker(FACTS, WORKER).decode()
    assert f"K10{digest}::" in worker
    assert "--node-taint web=:NoSchedule" in worker
    assert "--cluster-init" in method.control_plane(BEGINNING, FIRST).decode()
    assert "--cluster-init" not in method.control_plane(FACTS, SECOND).decode()


def test_installing_is_left_to_who_has_an_image() -> None:
    method = bootstrap_method(Bootstrap(method="kubeadm", options={"install": "true"}), None)
    assert b"apt-get" not in method.worker(FACTS, WORKER)
