"""Node agents of the other side: ours on kube-apiserver, upstream's kubelet with containerd on our API server."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.interop.clusters import Cluster, api_server
from tests.interop.joining import bootstrap_kubeconfig
from tests.interop.kubectl import Kubectl
from tests.interop.networks import ADDRESS, own_network
from tests.interop.objects import Object
from tests.interop.processes import eventually
from tests.interop.upstream import Upstream
from tests.node.runtimes.cri.containerd import import_image, is_installed, running_containerd
from tests.node.runtimes.host.archives import PROGRAMS, docker_archive, programs

pytestmark = [pytest.mark.slow, pytest.mark.kubectl, pytest.mark.root]
NODE = "worker"
TOOLS = "cloudk8s.test/tools:1"
PODS = "10.251.7.0/24"


@pytest.fixture(scope="module", params=["our-kubelet", "upstream-kubelet"])
def cluster(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """A cluster of one node, which joins by a token; controllers and scheduler are of the node's side."""
    folder, is_ours = tmp_path_factory.mktemp(request.param), request.param == "our-kubelet"
    before = pod_cgroups()
    with ExitStack() as stack:
        inside = stack.enter_context(own_network())
        cluster = stack.enter_context(api_server(folder, upstream, is_upstream=is_ours, prefix=inside))
        cluster.start_others()
        bootstrap = bootstrap_kubeconfig(cluster.server, folder / "bootstrap.conf")
        if is_ours:
            start_our_kubelet(cluster, bootstrap)
        else:
            start_upstream_kubelet(cluster, bootstrap, stack)
        ready = ("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=20s")
        eventually(lambda: cluster.kubectl.run(*ready).returncode == 0, seconds=90)
        stack.callback(leave_nothing, cluster, before)
        yield cluster


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    return cluster.kubectl


def start_our_kubelet(cluster: Cluster, bootstrap: Path) -> None:
    folder, pki = cluster.processes.folder, cluster.server.pki
    cluster.processes.start_ours(
        "kubelet", "kubelet", "--kubeconfig", str(folder / "node.conf"), "--bootstrap-kubeconfig", str(bootstrap),
        "--root-dir", str(folder / "node"), "--hostname-override", NODE, "--node-ip", ADDRESS, "--pod-cidr", PODS,
        "--client-ca-file", str(pki.ca.certificate), "--kubernetes-version", f"1.{cluster.upstream.minor}",
    )  # fmt: skip


def start_upstream_kubelet(cluster: Cluster, bootstrap: Path, stack: ExitStack) -> None:
    """On a containerd of its own."""
    if not is_installed():
        pytest.skip("containerd, runc or the CNI plugins are not installed")
    folder = cluster.processes.folder
    state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ctd", ignore_cleanup_errors=True)))
    (state / "cni").mkdir()
    (state / "cni" / "10.conflist").write_text(json.dumps(bridge()))
    endpoint = stack.enter_context(running_containerd(state, prefix=cluster.processes.prefix))
    tools = docker_archive(folder / "tools.tar", [programs((*PROGRAMS, "grep"))], tag=TOOLS, Env=["PATH=/bin"])
    import_image(state, tools)
    config = folder / "kubelet.yaml"
    config.write_text(json.dumps(kubelet_configuration(cluster)))
    runtime = ["--container-runtime=remote"] if cluster.upstream.minor < 27 else []
    cluster.processes.start(
        "kubelet",
        [
            cluster.upstream.path("kubelet"), f"--kubeconfig={folder / 'node.conf'}",
            f"--bootstrap-kubeconfig={bootstrap}", f"--config={config}", f"--cert-dir={folder / 'node-pki'}",
            f"--root-dir={state / 'kubelet'}", f"--hostname-override={NODE}", f"--node-ip={ADDRESS}",
            f"--container-runtime-endpoint={endpoint}", *runtime,
        ],
    )  # fmt: skip


def kubelet_configuration(cluster: Cluster) -> Object:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"x509": {"clientCAFile": str(cluster.server.pki.ca.certificate)}},
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "failSwapOn": False,
        "healthzPort": 0,
        "resolvConf": "",
    }


def bridge() -> Object:
    ipam = {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
    plugin = {"type": "bridge", "bridge": "interop0", "isGateway": True, "ipMasq": False, "ipam": ipam}
    return {"cniVersion": "0.4.0", "name": "interop", "plugins": [plugin]}


def leave_nothing(cluster: Cluster, cgroups: set[Path]) -> None:
    """No pods, none of their mounts, and no control groups but those that were there."""
    kubectl, folder = cluster.kubectl, str(cluster.processes.folder)
    kubectl.run("delete", "deployments,jobs", "--all", "--cascade=foreground", "--timeout=40s")
    kubectl.run("delete", "pods", "--all", "--timeout=40s")
    eventually(lambda: not kubectl.items("pods"), seconds=40)
    eventually(lambda: folder not in Path("/proc/mounts").read_text(), seconds=20)
    for path in sorted(pod_cgroups() - cgroups, reverse=True):
        path.rmdir()


def pod_cgroups() -> set[Path]:
    """Kubelets without groups of their own leave these to the runtime, which leaves them."""
    return {each for each in Path("/sys/fs/cgroup").glob("**/kubepods/pod*") if each.is_dir()}


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    """What pods of that node can be made of."""
    return "host" if cluster.server.is_upstream else TOOLS


def pod(name: str, image: str, script: str, container: Object | None = None, **spec: object) -> Object:
    """A pod of one container, of which `container` says more."""
    first = {"name": "c", "image": image, "command": ["sh", "-c", script], **(container or {})}
    made = {"containers": [first], "terminationGracePeriodSeconds": 1, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": made}


def phase(kubectl: Kubectl, name: str) -> str:
    return str(kubectl.json("pod", name)["status"]["phase"])


def test_the_node_has_joined_and_tells_of_itself(kubectl: Kubectl, image: str) -> None:
    node = kubectl.json(f"node/{NODE}")
    assert {"type": "InternalIP", "address": ADDRESS} in node["status"]["addresses"]
    assert {"cpu", "memory", "pods"} <= node["status"]["allocatable"].keys()
    assert kubectl.json("lease", NODE, "-n", "kube-node-lease")["spec"]["holderIdentity"] == NODE
    requesters = {each["spec"]["username"] for each in kubectl.items("csr")}
    assert "system:bootstrap:abcdef" in requesters


def test_a_pod_runs_and_can_be_looked_into(kubectl: Kubectl, image: str) -> None:
    kubectl("create", "configmap", "told", "--from-literal=word=hello")
    volumes = [{"name": "told", "configMap": {"name": "told"}}]
    env = [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    mounts = {"volumeMounts": [{"name": "told", "mountPath": "/told"}], "env": env}
    script = "cat /told/word; echo; echo on $NODE; trap 'exit 0' TERM; while true; do sleep 0.2; done"
    kubectl.apply(pod("look", image, script, volumes=volumes, container=mounts))
    kubectl("wait", "--for=condition=Ready", "pod/look", "--timeout=50s")
    assert kubectl("logs", "look").splitlines() == ["hello", f"on {NODE}"]
    assert kubectl("exec", "look", "--", "cat", "/told/word") == "hello"
    token = kubectl("exec", "look", "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
    claims = token.split(".")[1]
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert said["sub"] == "system:serviceaccount:default:default"
    assert said["kubernetes.io"]["pod"]["name"] == "look"
    kubectl("delete", "pod", "look", "--timeout=40s")
    assert "look" not in kubectl.names("pods")


def test_containers_end_and_start_again(kubectl: Kubectl, image: str) -> None:
    kubectl.apply(
        pod("good", image, "exit 0", restartPolicy="Never"), pod("bad", image, "exit 3", restartPolicy="Never"),
        pod("again", image, "sleep 1; exit 1"),
    )  # fmt: skip
    eventually(lambda: (phase(kubectl, "good"), phase(kubectl, "bad")) == ("Succeeded", "Failed"), seconds=60)
    (status,) = kubectl.json("pod", "bad")["status"]["containerStatuses"]
    assert (status["state"]["terminated"]["exitCode"], status["state"]["terminated"]["reason"]) == (3, "Error")
    eventually(lambda: kubectl.json("pod", "again")["status"]["containerStatuses"][0]["restartCount"] > 0, seconds=60)


def test_probes_decide_who_is_ready_and_who_is_killed(kubectl: Kubectl, image: str) -> None:
    probe = {"exec": {"command": ["sh", "-c", "test -e /tmp/x-$HOSTNAME"]}, "periodSeconds": 1}
    kubectl.apply(pod("probed", image, "sleep 1000", container={"readinessProbe": probe}))
    eventually(lambda: phase(kubectl, "probed") == "Running", seconds=60)
    ready = ("wait", "--for=condition=Ready", "pod/probed")
    assert kubectl.run(*ready, "--timeout=3s").returncode != 0
    kubectl("exec", "probed", "--", "sh", "-c", "touch /tmp/x-$HOSTNAME")
    kubectl(*ready, "--timeout=30s")
    kubectl("exec", "probed", "--", "sh", "-c", "rm /tmp/x-$HOSTNAME")


def test_a_deployment_runs_there(kubectl: Kubectl, image: str) -> None:
    labels = {"app": "web"}
    containers = [{"name": "c", "image": image, "command": ["sleep", "1000"]}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, "terminationGracePeriodSeconds": 0}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    kubectl.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")


def test_a_job_runs_there(cluster: Cluster, kubectl: Kubectl, image: str) -> None:
    cluster.skip_without_jobs()
    containers = [{"name": "c", "image": image, "command": ["sh", "-c", "exit 0"]}]
    done = {"containers": containers, "restartPolicy": "Never"}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": {"template": {"spec": done}}}
    kubectl.apply(job)
    kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=60s")


def test_nobody_else_may_ask_the_node(kubectl: Kubectl, image: str) -> None:
    url = f"https://{ADDRESS}:10250/pods"
    answer = subprocess.run(
        [*kubectl.prefix, "curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.stdout in ("401", "403")
