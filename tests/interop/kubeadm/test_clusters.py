"""Clusters of upstream's kubeadm, made, changed and deleted by our commands; each machine runs our user data.

Machines are hosts of the local provider with files, processes and control groups of their own; containerd, runc, etcd,
iptables and the CNI plugins are this host's. What is no upstream program there: `systemctl`, the pod network, CoreDNS
and crictl where they are not given.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, environment_in
from tests.e2e.test_local_cluster import kernel
from tests.interop.kubeadm import fixture
from tests.interop.kubeadm.images import TOOLS
from tests.interop.kubectl import Kubectl
from tests.interop.objects import Object
from tests.interop.processes import eventually
from tests.interop.upstream import Upstream, program_or_skip
from tests.node.runtimes.cri.containerd import is_installed

pytestmark = [pytest.mark.slow, pytest.mark.kubectl, pytest.mark.root, pytest.mark.timeout(1800)]
NAME = "upstream"
_TUNED = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys")
"""What kubelets set for the whole host."""


@dataclass(frozen=True)
class Place:
    """A home of a test's own, from where clusters are made."""

    folder: Path
    version: str
    """Of upstream's programs."""

    @property
    def older(self) -> str:
        """A version before that; its images have the same programs."""
        head, _, patch = self.version.rpartition(".")
        return f"{head}.{int(patch) - 1}"

    def cloudk8s(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cloudk8s", "cluster", *arguments],
            capture_output=True, text=True, timeout=900, env=environment_in(self.folder), check=False, cwd=ROOT,
        )  # fmt: skip
        said = done.stdout + done.stderr
        if check and done.returncode:
            raise AssertionError(
                f"cloudk8s cluster {' '.join(arguments)} → {done.returncode}\n{said}\n{self.consoles()}"
            )
        return said

    def converge(self, command: str, version: str, *, control_planes: int, workers: int) -> str:
        file = fixture.cluster_file(self.folder, NAME, version, control_planes=control_planes, workers=workers)
        patience = () if command == "plan" else ("--timeout", "800s")
        return self.cloudk8s(command, "-f", str(file), *patience)

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.folder / "kubeconfig")

    @property
    def machines(self) -> Path:
        return self.folder / "data" / "cloudk8s-machines" / "machines"

    def consoles(self, lines: int = 25) -> str:
        """The ends of what machines say."""
        return "\n".join(
            f"--- {path.parent.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
            for path in sorted(self.machines.glob("*/console.log"))
        )


@pytest.fixture(scope="module")
def place(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if not fixture.is_root():
        pytest.skip("machines of this host need root")
    if not is_installed():
        pytest.skip("containerd, runc or the CNI plugins are not installed")
    if not Path("/sys/fs/cgroup/memory/cgroup.procs").exists():
        pytest.skip("machines of this test divide control groups of version 1")
    for program in ("etcd", "etcdctl", "iptables", "conntrack", "unshare", "kubectl"):
        program_or_skip(program)
    folder = tmp_path_factory.mktemp("kubeadm")
    made = Place(folder, upstream.version)
    if made.version.endswith(".0"):
        pytest.skip("upgrades between patch releases want programs that are not the first of a minor release")
    fixture.furnish(folder, upstream, (made.older, made.version))
    with ExitStack() as stack:
        stack.enter_context(tunables_kept())
        stack.callback(remove_cgroups)
        stack.callback(made.cloudk8s, "delete", NAME, "--yes", check=False)
        yield made


@contextmanager
def tunables_kept() -> Iterator[None]:
    before = {name: Path("/proc/sys", name).read_text() for name in _TUNED if Path("/proc/sys", name).exists()}
    yield
    for name, value in before.items():
        Path("/proc/sys", name).write_text(value)


def remove_cgroups() -> None:
    """Groups of machines that are gone."""
    tops = [path for path in Path("/sys/fs/cgroup").glob("**/kubeadm-machine-*") if path.is_dir()]
    for top in tops:
        for path in sorted((each for each in [top, *top.rglob("*")] if each.is_dir()), reverse=True):
            eventually(partial(_removed, path), seconds=10)


def _removed(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def ready(kubectl: Kubectl, role: str = "") -> list[str]:
    """Nodes that are ready, all or those of the control plane."""
    chosen = ("-l", f"node-role.kubernetes.io/{role}") if role else ()
    return sorted(
        node["metadata"]["name"]
        for node in kubectl.items("nodes", *chosen)
        if any(each["type"] == "Ready" and each["status"] == "True" for each in node["status"]["conditions"])
    )


def members(kubectl: Kubectl) -> list[str]:
    """Of etcd, as its own tool tells on one of the machines."""
    pki = "/etc/kubernetes/pki/etcd"
    command = [
        "etcdctl", "--endpoints=https://127.0.0.1:2379", f"--cacert={pki}/ca.crt", f"--cert={pki}/server.crt",
        f"--key={pki}/server.key", "member", "list", "-w", "json",
    ]  # fmt: skip
    machine = ready(kubectl, "control-plane")[0]
    told = kubectl("-n", "kube-system", "exec", f"etcd-{machine}", "--", *command)
    return sorted(str(each["name"]) for each in json.loads(told)["members"])


def groups_of_tokens(kubectl: Kubectl) -> set[str]:
    """Whom owners of bootstrap tokens belong to."""
    secrets = kubectl.items("secrets", "-n", "kube-system", "--field-selector=type=bootstrap.kubernetes.io/token")
    return {base64.b64decode(each["data"]["auth-extra-groups"]).decode() for each in secrets}


def web() -> list[Object]:
    """A server that answers on each worker, and its Service."""
    labels = {"app": "web"}
    container = {"name": "c", "image": TOOLS, "command": ["agnhost", "netexec", "--http-port=8080"]}
    pod = {
        "containers": [container], "terminationGracePeriodSeconds": 1, "nodeSelector": {"tier": "web"},
        "tolerations": [{"key": "web", "operator": "Exists"}],
    }  # fmt: skip
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service},
    ]


def answer(kubectl: Kubectl) -> str:
    """Which pod answers at the Service's address, asked on a machine."""
    address = kubectl.json("service/web")["spec"]["clusterIP"]
    here = f"--field-selector=spec.nodeName={ready(kubectl, 'control-plane')[0]}"
    (pod,) = kubectl.names("pods", "-n", "kube-system", "-l", "app=network", here)
    command = ("curl", "-s", "-m", "3", f"http://{address}/hostname")
    return kubectl.run("-n", "kube-system", "exec", pod, "--", *command).stdout


def test_a_control_plane_is_made_and_a_worker_joins(place: Place) -> None:
    said = place.converge("create", place.older, control_planes=1, workers=1)
    assert "made certificate  the cloud confirms machine upstream-web-" in said
    kubectl = place.kubectl
    (plane,), (worker,) = ready(kubectl, "control-plane"), set(ready(kubectl)) - set(ready(kubectl, "control-plane"))
    node = kubectl.json(f"node/{worker}")
    assert node["status"]["nodeInfo"]["kubeletVersion"] == f"v{place.version}"
    assert node["metadata"]["labels"]["tier"] == "web"
    assert {"key": "web", "value": "only", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["spec"]["providerID"] == f"local://{NAME}/{worker}"
    assert node["metadata"]["labels"]["cloudk8s.io/pool"] == "web"
    assert members(kubectl) == [plane]
    asked = [each for each in kubectl.items("csr") if each["spec"]["username"].startswith("system:bootstrap:")]
    assert {each["status"]["conditions"][0]["reason"] for each in asked} == {"CloudConfirmed"}
    assert groups_of_tokens(kubectl) <= {"system:bootstrappers:cloudk8s:machines"}
    kubectl.apply(*web())
    kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    eventually(lambda: answer(kubectl).startswith("web-"), seconds=60)


def runs(kubectl: Kubectl, component: str, version: str) -> bool:
    """Whether all pods of a part of the cluster are of a version."""
    pods = kubectl.items("pods", "-n", "kube-system", "-l", component)
    return {each["spec"]["containers"][0]["image"].rpartition(":")[2] for each in pods} == {version}


def test_it_is_upgraded(place: Place) -> None:
    kubectl, parts = place.kubectl, ("component=kube-apiserver", "component=kube-scheduler", "k8s-app=kube-proxy")
    assert all(runs(kubectl, part, f"v{place.older}") for part in parts)
    place.converge("apply", place.version, control_planes=1, workers=1)
    assert len(ready(kubectl)) == 2
    assert members(kubectl) == ready(kubectl, "control-plane")
    for part in parts:
        eventually(partial(runs, kubectl, part, f"v{place.version}"), seconds=60)
    eventually(lambda: answer(kubectl).startswith("web-"), seconds=90)


def test_it_grows(place: Place) -> None:
    place.converge("apply", place.version, control_planes=3, workers=2)
    planes = ready(place.kubectl, "control-plane")
    assert len(planes) == 3
    assert len(ready(place.kubectl)) == 5
    assert members(place.kubectl) == planes
    assert "nothing to do" in place.converge("plan", place.version, control_planes=3, workers=2)


def test_it_shrinks_and_what_ran_there_runs_elsewhere(place: Place) -> None:
    said = place.converge("apply", place.version, control_planes=1, workers=1)
    assert "its member of etcd is asked to leave" in said
    kubectl = place.kubectl
    planes = ready(kubectl, "control-plane")
    assert len(planes) == 1
    assert members(kubectl) == planes
    assert len(kubectl.names("nodes")) == 2
    kubectl("rollout", "status", "deployment/web", "--timeout=90s")
    eventually(lambda: answer(kubectl).startswith("web-"), seconds=60)


def test_nothing_is_left_of_it(place: Place) -> None:
    described = json.loads(place.cloudk8s("describe", NAME, "--output", "json"))
    network = next(entry["id"] for entry in described["resources"] if entry["type"] == "network")
    assert kernel(network)
    assert "nothing is left" in place.cloudk8s("delete", NAME, "--yes")
    assert kernel(network) == []
    assert not list(place.machines.glob("*"))
