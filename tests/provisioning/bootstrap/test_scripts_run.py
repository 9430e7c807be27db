"""The scripts of kubeadm and k3s, run with programs that only note what they are asked."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cloudk8s.provisioning.bootstrap.catalog import bootstrap_method
from cloudk8s.provisioning.bootstrap.interface import BootstrapMethod
from cloudk8s.provisioning.declaration.cluster import Bootstrap
from tests.provisioning.bootstrap.machine_of_stubs import StubMachine
from tests.provisioning.bootstrap.test_other_methods import BEGINNING, FACTS, FIRST, SECOND, WORKER

INIT = "kubeadm init --config /run/kubeadm/init.yaml --skip-token-print"
JOIN = "kubeadm join --config /run/kubeadm/join.yaml"
RESET = "kubeadm reset -f"
ACCESS = "kubeadm init phase kubeconfig super-admin --config /run/kubeadm/init.yaml --kubeconfig-dir /run/kubeadm"
LOOK = "kubectl -n kube-system get configmap kubeadm-config -o yaml"
KEYS = {"ca.crt", "ca.key", "etcd", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.key", "sa.pub"}
INSTALLED = [
    "apt-get install -qy ca-certificates curl gpg containerd", "apt-get install -qy kubelet kubeadm kubectl",
    "apt-mark hold kubelet kubeadm kubectl", "systemctl restart containerd", "systemctl enable kubelet",
]  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> StubMachine:
    return StubMachine(tmp_path).furnish()


@pytest.fixture
def kubeadm() -> BootstrapMethod:
    return bootstrap_method(Bootstrap(method="kubeadm"), None)


@pytest.fixture
def k3s() -> BootstrapMethod:
    return bootstrap_method(Bootstrap(method="k3s"), None)


def of(program: str, calls: list[str]) -> list[str]:
    return [call for call in calls if call.startswith(f"{program} ")]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_every_script_is_sound_in_every_shell(shell: str, kubeadm: BootstrapMethod, k3s: BootstrapMethod) -> None:
    for method in (kubeadm, k3s):
        for script in (method.control_plane(BEGINNING, FIRST), method.worker(FACTS, WORKER)):
            subprocess.run([shell, "-n"], input=script, check=True)


def test_the_first_machine_makes_the_cluster(machine: StubMachine, kubeadm: BootstrapMethod) -> None:
    calls = machine.boot(kubeadm.control_plane(BEGINNING, FIRST))
    assert [call for call in calls if call in INSTALLED] == INSTALLED
    assert of("kubeadm", calls) == [INIT]
    assert [re.sub(r"https://\S+", "URL", call) for call in of("kubectl", calls)] == [
        "kubectl apply -f /run/kubeadm/rules.yaml", "kubectl apply -f URL",
    ]  # fmt: skip
    assert calls.index(INIT) > calls.index(INSTALLED[-1])
    assert (machine.root / "run/cluster-api/bootstrap-success.complete").exists()
    sources = (machine.root / "etc/apt/sources.list.d/kubernetes.list").read_text()
    assert "https://pkgs.k8s.io/core:/stable:/v1.36/deb/ /" in sources


def test_what_is_installed_is_readable_and_what_is_secret_is_not(
    machine: StubMachine, kubeadm: BootstrapMethod
) -> None:
    """apt reads a repository's key as a user of its own."""
    machine.fail("sysctl", 1)
    machine.boot(kubeadm.control_plane(BEGINNING, FIRST))
    etc = machine.root / "etc"
    for path in ("apt/keyrings", "apt/sources.list.d/kubernetes.list", "sysctl.d/90-kubernetes.conf"):
        assert (etc / path).stat().st_mode & 0o044 == 0o044
    assert (etc / "modules-load.d/kubernetes.conf").read_text().split() == ["overlay", "br_netfilter"]
    assert (machine.root / "run/kubeadm").stat().st_mode & 0o077 == 0
    assert (etc / "kubernetes/pki/sa.key").stat().st_mode & 0o077 == 0


def test_the_pod_network_has_the_declared_range(machine: StubMachine, kubeadm: BootstrapMethod) -> None:
    network = FACTS.declaration.network.model_copy(update={"pod_cidrs": ("10.9.0.0/16",)})
    other = replace(BEGINNING, declaration=FACTS.declaration.model_copy(update={"network": network}))
    machine.boot(kubeadm.control_plane(other, FIRST))
    assert "10.9.0.0/16" in (machine.directory / "applied").read_text()


def test_the_first_machine_joins_what_answers_already(machine: StubMachine, kubeadm: BootstrapMethod) -> None:
    machine.answer()
    calls = machine.boot(kubeadm.control_plane(BEGINNING, FIRST))
    assert of("kubeadm", calls) == [ACCESS, JOIN]
    assert of("kubectl", calls) == [LOOK]


def test_others_join_with_the_same_authorities_after_every_failure(
    machine: StubMachine, kubeadm: BootstrapMethod
) -> None:
    """`kubeadm reset` takes the keys away; the next attempt must have them again."""
    machine.fail("kubeadm join", 1)
    calls = machine.boot(kubeadm.control_plane(FACTS, SECOND))
    assert of("kubeadm", calls) == [ACCESS, JOIN, RESET, JOIN]
    assert set((machine.directory / "keys").read_text().split()) == KEYS
    assert (machine.root / "etc/kubernetes/pki/ca.key").stat().st_mode & 0o077 == 0


def test_the_first_machine_of_a_newer_version_lifts_the_cluster(machine: StubMachine, kubeadm: BootstrapMethod) -> None:
    """Without that it would run the old one's programs; add-ons follow once it serves."""
    machine.have("v1.35.9")
    calls = machine.boot(kubeadm.control_plane(FACTS, SECOND))
    config = "--config /run/kubeadm/init.yaml --kubeconfig /run/kubeadm/super-admin.conf"
    assert [call for call in calls if call.startswith("kube")] == [
        ACCESS, LOOK, "kubectl apply -f /run/kubeadm/rules.yaml",
        f"kubeadm init phase upload-config kubeadm {config}", JOIN,
        "kubeadm config images list --config /run/kubeadm/init.yaml",
        "kubectl -n kube-system set image daemonset/kube-proxy kube-proxy=registry.example.org/kube-proxy:new",
        f"kubeadm init phase addon coredns {config}",
    ]  # fmt: skip


def test_a_machine_of_an_older_version_does_not_pull_the_cluster_down(
    machine: StubMachine, kubeadm: BootstrapMethod
) -> None:
    machine.have("v1.36.10")
    assert of("kubeadm", machine.boot(kubeadm.control_plane(FACTS, SECOND))) == [ACCESS, JOIN]


def test_making_the_cluster_is_tried_again_with_the_same_keys(machine: StubMachine, kubeadm: BootstrapMethod) -> None:
    machine.fail("kubeadm", 1)
    before = machine.boot(kubeadm.control_plane(BEGINNING, FIRST))
    assert of("kubeadm", before) == [INIT, RESET, INIT]
    assert set((machine.directory / "keys").read_text().split()) == KEYS


def test_a_worker_joins_and_has_no_keys(machine: StubMachine, kubeadm: BootstrapMethod) -> None:
    machine.fail("apt-get", 2)
    calls = machine.boot(kubeadm.worker(FACTS, WORKER))
    assert of("kubeadm", calls) == [JOIN]
    assert len(of("apt-get", calls)) > 4, "what does not install is tried again"
    assert not (machine.root / "etc/kubernetes/pki").exists()


@pytest.mark.parametrize("method", ["kubeadm", "k3s"])
def test_a_machine_that_is_a_node_already_is_left_alone(machine: StubMachine, method: str) -> None:
    for path in (
        "etc/kubernetes/kubelet.conf",
        "etc/systemd/system/k3s.service",
        "etc/systemd/system/k3s-agent.service",
    ):
        (machine.root / path).parent.mkdir(parents=True, exist_ok=True)
        (machine.root / path).touch()
    made = bootstrap_method(Bootstrap(method=method), None)
    assert machine.boot(made.control_plane(BEGINNING, FIRST)) == []
    assert machine.boot(made.worker(FACTS, WORKER)) == []


def words(calls: list[str]) -> list[str]:
    (call,) = of("install", calls)
    return call.split()[1:]


def test_k3s_makes_joins_and_follows(machine: StubMachine, k3s: BootstrapMethod) -> None:
    server = "https://api.example.org:6443"
    first = words(machine.boot(k3s.control_plane(BEGINNING, FIRST)))
    assert (first[0], first[-1]) == ("server", "--cluster-init")
    assert first[first.index("--tls-san") + 1] == "api.example.org"
    second = words(machine.boot(k3s.control_plane(FACTS, SECOND)))
    assert second[-2:] == ["--server", server]
    assert "--cluster-init" not in second
    agent = words(machine.boot(k3s.worker(FACTS, WORKER)))
    assert (agent[0], agent[agent.index("--server") + 1]) == ("agent", server)
    machine.answer()
    assert words(machine.boot(k3s.control_plane(BEGINNING, FIRST)))[-2:] == ["--server", server]


def test_k3s_has_its_authorities_before_it_starts(machine: StubMachine, k3s: BootstrapMethod) -> None:
    machine.boot(k3s.control_plane(BEGINNING, FIRST))
    tls = machine.root / "var/lib/rancher/k3s/server/tls"
    names = {str(path.relative_to(tls)) for path in tls.rglob("*") if path.is_file()}
    pairs = ("server-ca", "client-ca", "request-header-ca", "etcd/server-ca", "etcd/peer-ca")
    assert names == {"service.key", *(f"{pair}.{end}" for pair in pairs for end in ("crt", "key"))}


def test_a_server_alone_keeps_its_own_store(machine: StubMachine, k3s: BootstrapMethod) -> None:
    plane = FACTS.declaration.control_plane.model_copy(update={"replicas": 1})
    alone = replace(BEGINNING, declaration=FACTS.declaration.model_copy(update={"control_plane": plane}))
    found = words(machine.boot(k3s.control_plane(alone, FIRST)))
    assert not {"--cluster-init", "--server"} & set(found)


def test_k3s_is_not_taken_for_installed_when_nothing_was_fetched(machine: StubMachine, k3s: BootstrapMethod) -> None:
    machine.fail("curl", 2)
    calls = machine.boot(k3s.worker(FACTS, WORKER))
    assert len(of("curl", calls)) == 3
    assert len(of("install", calls)) == 1
