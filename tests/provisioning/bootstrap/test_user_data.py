"""User data: small, the same in any process, runnable, and without secrets that a worker has no business with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from cloudk8s.cloud.model.machine import NAMES, MachineRequest
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.controlplane.machine.settings import ControlPlaneSettings, WorkerSettings, read
from cloudk8s.errors import SettingsError
from cloudk8s.plugin import Candidate, Plugins, hookimpl
from cloudk8s.plugin.registries import BootstrapMethods
from cloudk8s.provisioning.bootstrap.catalog import bootstrap_method
from cloudk8s.provisioning.bootstrap.interface import Facts
from cloudk8s.provisioning.bootstrap.native import NativeBootstrap, may_set
from cloudk8s.provisioning.declaration.cluster import Bootstrap
from tests.provisioning.harness import declaration

SEED = Seed(bytes(range(32)))
LABELS = {"tier": "web", "node-role.kubernetes.io/web": "", "topology.kubernetes.io/rack": "r1"}
CLUSTER = declaration(pools=[{"name": "web", "replicas": 2, "labels": LABELS, "taints": [{"key": "web"}]}])
FACTS = Facts(CLUSTER, SEED, "10.0.0.5:6443", network={"load_balancer_range": "10.0.255.0/24"})
CONTROL_PLANE = MachineRequest("u0", "demo-control-plane-0", "demo", "control-plane", "control-plane")
WORKER = MachineRequest("u1", "demo-web-abc12-0", "demo", pool="web")


def run(data: bytes, directory: Path) -> list[str]:
    """Execute user data as a machine does; returns what it starts."""
    said = subprocess.run(
        ["sh", "-c", data.decode()], capture_output=True, text=True, check=True,
        env={**os.environ, "CLOUDK8S_MACHINE_DIR": str(directory), "CLOUDK8S": "echo started"},
    ).stdout  # fmt: skip
    return said.split()


def test_a_worker_knows_only_its_own_way_in(tmp_path: Path) -> None:
    data = NativeBootstrap({}).worker(FACTS, WORKER).replace(NAMES, b"demo-web-abc12-0")
    assert run(data, tmp_path) == ["started", "machine", "--dir", str(tmp_path)]
    settings = read(tmp_path)
    assert isinstance(settings, WorkerSettings)
    assert (settings.endpoint, settings.pin) == ("10.0.0.5:6443", SEED.pin())
    assert SEED.value.hex() not in data.decode()
    assert (tmp_path / "machine.json").stat().st_mode & 0o077 == 0


def test_a_control_plane_gets_what_everything_is_made_of(tmp_path: Path) -> None:
    run(NativeBootstrap({}).control_plane(FACTS, CONTROL_PLANE), tmp_path)
    settings = read(tmp_path)
    assert isinstance(settings, ControlPlaneSettings)
    assert bytes.fromhex(settings.seed) == SEED.value
    assert settings.load_balancer_range == "10.0.255.0/24"
    assert settings.node.taints[0]["key"] == "node-role.kubernetes.io/control-plane"


def test_user_data_is_small_and_always_the_same() -> None:
    for write, request in ((NativeBootstrap({}).worker, WORKER), (NativeBootstrap({}).control_plane, CONTROL_PLANE)):
        data = write(FACTS, request)
        assert data == write(Facts(CLUSTER, Seed(SEED.value), FACTS.endpoint, network=FACTS.network), request)
        assert len(data) < 3000


def test_what_a_node_may_not_say_of_itself_is_left_to_others() -> None:
    configuration = NativeBootstrap({}).configuration(FACTS, "web")
    assert configuration is not None
    assert configuration["node"]["labels"] == {"tier": "web", "topology.kubernetes.io/rack": "r1"}
    assert configuration["node"]["taints"] == [{"effect": "NoSchedule", "key": "web"}]
    assert json.dumps(configuration)
    assert not may_set("node-restriction.kubernetes.io/x")


def test_each_machine_has_a_secret_of_its_own_where_it_has_user_data_of_its_own() -> None:
    other = MachineRequest("u2", "demo-web-abc12-1", "demo", pool="web")
    method = NativeBootstrap({})
    assert method.join_secret(FACTS, WORKER) != method.join_secret(FACTS, other)
    shared = Facts(CLUSTER, SEED, FACTS.endpoint, is_shared=True)
    assert method.join_secret(shared, WORKER) == method.join_secret(shared, other)


def test_unknown_methods_and_options_are_told() -> None:
    with pytest.raises(SettingsError, match="did you mean 'cloudk8s'"):
        bootstrap_method(Bootstrap(method="cloudk8"), None)
    with pytest.raises(SettingsError, match=r"bootstrap\.options\.instal"):
        bootstrap_method(Bootstrap(options={"instal": "x"}), None)


def test_a_plugin_brings_a_method_of_its_own() -> None:
    class Rke2(NativeBootstrap):
        def worker(self, facts: Facts, request: MachineRequest) -> bytes:
            return b"#!/bin/sh\nrke2 agent"

    @hookimpl
    def register_bootstrap_methods(registry: BootstrapMethods) -> None:
        registry.register("rke2", Rke2)

    module = ModuleType("acme")
    vars(module)["register_bootstrap_methods"] = register_bootstrap_methods
    plugins = Plugins.load(candidates=[Candidate("acme", "acme", "1.0", "acme.plugin", lambda: module)])
    method = bootstrap_method(Bootstrap(method="rke2"), plugins)
    assert method.worker(FACTS, WORKER) == b"#!/bin/sh\nrke2 agent"
    with pytest.raises(SettingsError, match="did you mean 'rke2'"):
        bootstrap_method(Bootstrap(method="rke"), plugins)


def planes(**plane: object) -> Facts:
    cluster = declaration(controlPlane=plane)
    return Facts(cluster, SEED, "10.0.0.2:6443", network={"load_balancer_state": "/shared/balancers.json"})


@pytest.mark.parametrize(
    ("facts", "store", "is_first", "shared"),
    [
        (planes(), "sqlite", False, ""),
        (planes(store="etcd"), "etcd", False, "/shared/balancers.json"),
        (planes(replicas=3), "etcd", False, "/shared/balancers.json"),
        (replace(planes(replicas=3), is_first=True), "etcd", True, "/shared/balancers.json"),
    ],
)
def test_machines_of_a_control_plane_are_told_what_they_share(
    tmp_path: Path, facts: Facts, store: str, is_first: bool, shared: str
) -> None:
    data = NativeBootstrap({}).control_plane(facts, CONTROL_PLANE)
    run(data, tmp_path)
    settings = read(tmp_path)
    assert isinstance(settings, ControlPlaneSettings)
    assert (settings.store, settings.is_first, settings.load_balancer_state) == (store, is_first, shared)
    assert settings.predecessor == ""
    assert (b"etcd-server" in data) is (store == "etcd")
    assert len(data) < 3000


def test_a_machine_of_the_control_plane_needs_no_token() -> None:
    assert NativeBootstrap({}).join_secret(FACTS, CONTROL_PLANE) == ""
    assert NativeBootstrap({}).configuration(FACTS, "control-plane") is None


def test_the_distributions_own_etcd_is_not_started(tmp_path: Path) -> None:
    """As a machine with a file system of its own runs it, with programs that only note what they were asked."""
    bin, unit = tmp_path / "bin", tmp_path / "root" / "etc" / "systemd" / "system"
    for directory in (bin, unit):
        directory.mkdir(parents=True)
    for name in ("apt-get", "cloudk8s", "ln"):
        (bin / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/said\n')
        (bin / name).chmod(0o755)
    data = NativeBootstrap({}).control_plane(planes(replicas=3), CONTROL_PLANE)
    for name in ("mkdir", "cat", "sh"):
        (bin / name).symlink_to(shutil.which(name) or name)
    environment = {"PATH": str(bin), "CLOUDK8S_MACHINE_DIR": str(tmp_path / "machine")}
    subprocess.run([shutil.which("sh") or "sh", "-c", data.decode()], check=True, env=environment)
    assert (tmp_path / "said").read_text().splitlines() == [
        "ln -sf /dev/null /etc/systemd/system/etcd.service", "apt-get update -q", "apt-get install -qy etcd-server",
        f"cloudk8s machine --dir {tmp_path / 'machine'}",
    ]  # fmt: skip
