"""The same pods, looked at by real kubectl and real packets, on every runtime: this project's own, and containerd.

Both run an image that the tests make themselves.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import tools_image
from tests.e2e.conftest import Cluster, Kubectl, cloudk8s
from tests.e2e.runtime_clusters import cluster_on
from tests.e2e.test_network import eventually
from tests.e2e.test_pod_sessions import Running, agents

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces of the host and containerd need root"),
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed"),
]
SERVE = "import http.server, os, sys; os.chdir(sys.argv[1]); http.server.test(http.server.SimpleHTTPRequestHandler, "
SERVE += "bind=sys.argv[2], port=8080, protocol='HTTP/1.1')"
TALK = f"test={os.getpid()}; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done"
"""Told apart from what other runs of these tests have on this host."""
WEB = f'hostname > /data/index.html; exec python3 -u -c "{SERVE}" /data 0.0.0.0'
POLITE = "trap 'echo term >> /shared/told; exit 0' TERM; touch /shared/up; while :; do sleep 0.1; done"
PAIR = f"""
apiVersion: v1
kind: Pod
metadata: {{name: pair}}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{{name: shared, emptyDir: {{}}}}]
  containers:
  - name: talker
    image: {tools_image.TAG}
    command: [sh, -c, "{TALK}"]
    volumeMounts: [{{name: shared, mountPath: /shared}}]
  - name: server
    image: {tools_image.TAG}
    command: [python3, -u, -c, "{SERVE}", /shared, 127.0.0.1]
    volumeMounts: [{{name: shared, mountPath: /shared}}]
  - {{name: shell, image: {tools_image.TAG}, command: [cat], stdin: true, tty: true}}
"""
OBJECTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      volumes: [{{name: data, emptyDir: {{}}}}]
      containers:
      - name: server
        image: {tools_image.TAG}
        command: [sh, -c, {json.dumps(WEB)}]
        volumeMounts: [{{name: data, mountPath: /data}}]
        resources: {{requests: {{cpu: 50m, memory: 16Mi}}, limits: {{memory: 128Mi}}}}
        readinessProbe: {{httpGet: {{path: /index.html, port: 8080}}, periodSeconds: 1, failureThreshold: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{type: LoadBalancer, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec:
  serviceName: db
  selector: {{matchLabels: {{app: db}}}}
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: server
        image: {tools_image.TAG}
        command: [sh, -c, "echo started >> /data/log; exec sleep 1000"]
        volumeMounts: [{{name: data, mountPath: /data}}]
  volumeClaimTemplates:
  - metadata: {{name: data}}
    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 8Mi}}}}}}
---
apiVersion: v1
kind: Pod
metadata: {{name: mortal}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: {tools_image.TAG}
    command: [sh, -c, "echo run; touch /alive; exec sleep 1000"]
    livenessProbe: {{exec: {{command: [cat, /alive]}}, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1}}
---
apiVersion: v1
kind: Pod
metadata: {{name: polite}}
spec:
  terminationGracePeriodSeconds: 20
  volumes: [{{name: shared, hostPath: {{path: TOLD, type: DirectoryOrCreate}}}}]
  containers:
  - name: main
    image: {tools_image.TAG}
    command: [sh, -c, {json.dumps(POLITE)}]
    volumeMounts: [{{name: shared, mountPath: /shared}}]
    lifecycle: {{preStop: {{exec: {{command: [sh, -c, "echo hook >> /shared/told; sleep 0.5"]}}}}}}
    readinessProbe: {{exec: {{command: [cat, /shared/up]}}, periodSeconds: 1}}
"""


@dataclass(frozen=True)
class Place:
    """A cluster whose pods a runtime runs, and what the test may look at of the host."""

    cluster: Cluster
    told: Path
    scheme: str

    @property
    def kubectl(self) -> Kubectl:
        return self.cluster.kubectl


@pytest.fixture(scope="module", params=[pytest.param("host", marks=pytest.mark.slow), "cri"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    runtime = request.param
    home = tmp_path_factory.mktemp(f"runtime-{runtime}")
    with cluster_on(runtime, home) as cluster:
        place = Place(cluster, home / "told", "containerd" if runtime == "cri" else "cloudk8s-host")
        populate(place)
        yield place


def populate(place: Place) -> None:
    kubectl = place.kubectl
    eventually(lambda: "local-path" in kubectl("get", "storageclasses"))
    kubectl("apply", "-f", "-", stdin=f"{PAIR}---{OBJECTS}".replace("TOLD", str(place.told)))
    kubectl("wait", "pods", "--all", "--for=condition=Ready", "--timeout=90s", timeout=100)


@pytest.fixture
def kubectl(place: Place) -> Kubectl:
    return place.kubectl


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode()).strip()


def field(kubectl: Kubectl, kind: str, name: str, path: str) -> str:
    return kubectl("get", kind, *filter(None, [name]), "-o", f"jsonpath={{{path}}}")


def test_the_runtime_is_the_one_that_was_asked_for(place: Place) -> None:
    assert field(place.kubectl, "pod", "pair", ".status.containerStatuses[0].containerID").startswith(place.scheme)


def test_containers_of_a_pod_share_localhost_and_volumes(kubectl: Kubectl) -> None:
    kubectl("exec", "pair", "-c", "talker", "--", "sh", "-c", "echo good morning > /shared/index.html")
    said = kubectl("exec", "pair", "-c", "talker", "--", "curl", "-s", "http://127.0.0.1:8080/index.html")
    assert said == "good morning\n"


def names_of_web(kubectl: Kubectl) -> list[str]:
    return kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}").split()


def from_pod(kubectl: Kubectl, url: str) -> str:
    """What a pod gets there; nothing where it fails."""
    return kubectl.run("exec", "pair", "-c", "talker", "--", "curl", "-s", "--max-time", "5", url).stdout.strip()


def test_pods_reach_pods_and_services_by_every_road(kubectl: Kubectl) -> None:
    pods = names_of_web(kubectl)
    ip = field(kubectl, "pod", pods[0], ".status.podIP")
    assert from_pod(kubectl, f"http://{ip}:8080/index.html") == pods[0]
    cluster_ip = field(kubectl, "service", "web", ".spec.clusterIP")
    for host in (cluster_ip, "web", "web.default.svc.cluster.local"):
        eventually(lambda host=host: from_pod(kubectl, f"http://{host}/index.html") in pods)  # type: ignore[misc]
    eventually(lambda: {from_pod(kubectl, "http://web/index.html") for _ in range(20)} == set(pods))
    port = field(kubectl, "service", "web", ".spec.ports[0].nodePort")
    node = field(kubectl, "nodes", "", ".items[0].status.addresses[0].address")
    assert get(f"http://{node}:{port}/index.html") in pods
    balancer = field(kubectl, "service", "web", ".status.loadBalancer.ingress[0].ip")
    assert get(f"http://{balancer}/index.html") in pods


def test_a_pod_that_is_not_ready_gets_no_requests(kubectl: Kubectl) -> None:
    bad, good = names_of_web(kubectl)
    kubectl("exec", bad, "--", "rm", "/data/index.html")
    kubectl("wait", f"pod/{bad}", "--for=condition=Ready=false", "--timeout=20s")
    eventually(lambda: {from_pod(kubectl, "http://web/index.html") for _ in range(8)} == {good})
    kubectl("exec", bad, "--", "sh", "-c", "hostname > /data/index.html")
    kubectl("wait", f"pod/{bad}", "--for=condition=Ready", "--timeout=20s")


def test_a_pod_that_does_not_live_is_restarted(kubectl: Kubectl) -> None:
    kubectl("exec", "mortal", "--", "rm", "/alive")
    eventually(lambda: field(kubectl, "pod", "mortal", ".status.containerStatuses[0].restartCount") == "1")
    kubectl("wait", "pod/mortal", "--for=condition=Ready", "--timeout=30s")
    assert "Liveness probe failed" in kubectl("describe", "pod", "mortal")
    assert kubectl("logs", "mortal", "--previous") == "run\n"


def test_logs_can_be_cut(kubectl: Kubectl) -> None:
    assert kubectl("logs", "pair", "-c", "talker", "--limit-bytes=1") == "l"
    young, whole = (len(kubectl("logs", "pair", "-c", "talker", f"--since={age}").splitlines()) for age in ("1s", "1h"))
    assert 0 < young < whole
    stamp, last = kubectl("logs", "pair", "-c", "talker", "--timestamps", "--tail=1").strip().split(" ", 1)
    since = kubectl("logs", "pair", "-c", "talker", f"--since-time={stamp}").splitlines()
    assert since.index(last) < 6, "from the second on in which it was written"


def test_a_pod_that_goes_says_goodbye_first(place: Place) -> None:
    began = time.monotonic()
    place.kubectl("delete", "pod", "polite", "--timeout=30s")
    assert time.monotonic() - began < 15
    assert (place.told / "told").read_text().split() == ["hook", "term"]


def test_logs_follow(kubectl: Kubectl) -> None:
    with Running(kubectl, "logs", "-f", "pair", "-c", "talker") as logs:
        last = int(kubectl("logs", "pair", "-c", "talker", "--tail=1").split()[1])
        logs.until(rf"line {last + 5}\r?\n")
    lines = kubectl("logs", "pair", "-c", "talker", "--tail=3", "--timestamps").splitlines()
    assert len(lines) == 3
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z line", lines[0])


def test_a_shell_in_a_terminal(kubectl: Kubectl) -> None:
    with Running(kubectl, "exec", "-it", "pair", "-c", "talker", "--", "sh", terminal=True) as shell:
        shell.until(r"[#$] ")
        shell.type("tty; exit 7\n")
        shell.until(r"/dev/pts/\d+")
        assert shell.process.wait(10) == 7


def test_attach_speaks_with_the_main_process(kubectl: Kubectl) -> None:
    with Running(kubectl, "attach", "-it", "pair", "-c", "shell", terminal=True) as attached:
        time.sleep(0.5)
        attached.type("are you there\n")
        attached.until(r"are you there\r?\n(?:.*\n)*.*are you there")


def test_a_port_is_forwarded(kubectl: Kubectl) -> None:
    with Running(kubectl, "port-forward", "pair", ":8080") as forwarding:
        found = re.search(r"127\.0\.0\.1:(\d+) ->", forwarding.until(r"127\.0\.0\.1:\d+ ->"))
        assert found is not None
        for _ in range(3):
            assert get(f"http://127.0.0.1:{found[1]}/index.html") == "good morning"


def test_files_are_copied_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    data = os.urandom(8_000_000)
    (tmp_path / "there").write_bytes(data)
    kubectl("cp", str(tmp_path / "there"), "pair:/shared/copied", "-c", "talker")
    kubectl("cp", "pair:/shared/copied", str(tmp_path / "back"), "-c", "server")
    assert (tmp_path / "back").read_bytes() == data


def test_debugging_adds_a_container_that_sees_its_target(kubectl: Kubectl) -> None:
    script = "echo diagnosis; ps ax -o args; sleep 60"
    options = ("--image", tools_image.TAG, "-c", "doctor", "--target=talker", "--image-pull-policy=Never")
    done = kubectl.run("debug", "pair", *options, "--", "sh", "-c", script)
    if "unknown flag" in done.stderr:
        done = kubectl.run("debug", "pair", *options[:-1], "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    eventually(lambda: "echo line" in kubectl.run("logs", "pair", "-c", "doctor").stdout)
    said = kubectl("exec", "pair", "-c", "doctor", "--", "curl", "-s", "http://127.0.0.1:8080/index.html")
    assert said == "good morning\n"


def test_a_stateful_set_keeps_its_data(kubectl: Kubectl) -> None:
    kubectl("exec", "db-0", "--", "sh", "-c", "echo precious >> /data/log")
    kubectl("delete", "pod", "db-0", "--timeout=30s")
    kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
    eventually(lambda: kubectl("exec", "db-0", "--", "cat", "/data/log").split() == ["started", "precious", "started"])


GATED = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: words}}
data: {{word: one}}
---
apiVersion: v1
kind: Pod
metadata: {{name: gated}}
spec:
  terminationGracePeriodSeconds: 0
  readinessGates: [{{conditionType: example.com/open}}]
  volumes:
  - {{name: words, configMap: {{name: words}}}}
  - {{name: later, secret: {{secretName: later, optional: true}}}}
  containers:
  - name: main
    image: {tools_image.TAG}
    command: [sleep, "1000"]
    ports: [{{containerPort: 8080, hostPort: 18099}}]
    volumeMounts: [{{name: words, mountPath: /words}}, {{name: later, mountPath: /later}}]
"""


@pytest.fixture
def gated(kubectl: Kubectl) -> Iterator[str]:
    kubectl("apply", "-f", "-", stdin=GATED)
    kubectl("wait", "pod/gated", "--for=condition=ContainersReady", "--timeout=30s")
    yield "gated"
    kubectl("delete", "pod", "gated", "--wait=false")


def test_gates_and_volumes_follow_the_api(kubectl: Kubectl, gated: str) -> None:
    ready = ".status.conditions[?(@.type=='Ready')]"
    assert field(kubectl, "pod", gated, f"{ready}.reason") == "ReadinessGatesNotReady"
    opened = {"status": {"conditions": [{"type": "example.com/open", "status": "True"}]}}
    kubectl("patch", "pod", gated, "--subresource", "status", "-p", json.dumps(opened))
    kubectl("wait", f"pod/{gated}", "--for=condition=Ready", "--timeout=20s")

    kubectl("patch", "configmap", "words", "-p", '{"data": {"word": "two"}}')
    kubectl("create", "secret", "generic", "later", "--from-literal=key=value")
    eventually(lambda: kubectl("exec", gated, "--", "cat", "/words/word") == "two")
    eventually(lambda: kubectl.run("exec", gated, "--", "cat", "/later/key").stdout == "value")
    kubectl("delete", "secret", "later")
    eventually(lambda: "No such file" in kubectl.run("exec", gated, "--", "cat", "/later/key").stderr)


def test_a_port_of_the_host_leads_to_a_pod(kubectl: Kubectl, gated: str) -> None:
    script = "cd /words; exec python3 -m http.server 8080"
    with Running(kubectl, "exec", gated, "--", "sh", "-c", script):
        node = field(kubectl, "nodes", "", ".items[0].status.addresses[0].address")

        def answers() -> bool:
            try:
                return get(f"http://{node}:18099/word") in ("one", "two")
            except OSError:
                return False

        eventually(answers)


def test_a_pod_is_resized_where_it_is(kubectl: Kubectl) -> None:
    (name, *_), files = names_of_web(kubectl), "memory/memory.limit_in_bytes memory.max"
    look = f"cd /sys/fs/cgroup; cat {files} 2>/dev/null; true"
    assert kubectl("exec", name, "--", "sh", "-c", look).split() == [str(128 << 20)]
    wanted = {"containers": [{"name": "server", "resources": {"limits": {"memory": "160Mi"}}}]}
    kubectl("patch", "pod", name, "--subresource", "resize", "-p", json.dumps({"spec": wanted}))
    eventually(lambda: kubectl("exec", name, "--", "sh", "-c", look).split() == [str(160 << 20)])
    path = ".status.containerStatuses[0]"
    eventually(lambda: field(kubectl, "pod", name, f"{path}.resources.limits.memory") == "160Mi")
    assert field(kubectl, "pod", name, f"{path}.restartCount") == "0"


THREE = ((20, 35), (21, 36), (22, 37))
"""Thousandths of a core and MiB, of a pod's three containers."""


def amounts(cpu: int, memory: int) -> dict[str, Any]:
    both = {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}
    return {"requests": both, "limits": both}


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes", [((5, 0), (-5, 5), (0, 5)), ((5, 5), (5, 5), (-5, -5)), ((5, 5), (-5, -5), (-5, -5))]
)
def test_all_containers_of_a_pod_are_resized_and_back(kubectl: Kubectl, changes: tuple[tuple[int, int], ...]) -> None:
    names = [f"c{number}" for number in range(3)]
    containers = [
        {"name": name, "image": tools_image.TAG, "command": ["sleep", "1000"], "resources": amounts(*size)}
        for name, size in zip(names, THREE, strict=True)
    ]
    spec = {"containers": containers, "terminationGracePeriodSeconds": 0}
    kubectl(
        "apply",
        "-f",
        "-",
        stdin=json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "three"}, "spec": spec}),
    )
    kubectl("wait", "pod/three", "--for=condition=Ready", "--timeout=30s")
    then = tuple((cpu + more, memory + wider) for (cpu, memory), (more, wider) in zip(THREE, changes, strict=True))
    for sizes in (then, THREE):
        wanted = [{"name": name, "resources": amounts(*size)} for name, size in zip(names, sizes, strict=True)]
        kubectl("patch", "pod", "three", "--subresource", "resize", "-p", json.dumps({"spec": {"containers": wanted}}))
        eventually(lambda sizes=sizes: shown_sizes(kubectl) == [amounts(*size) for size in sizes])  # type: ignore[misc]
        for name, (cpu, memory) in zip(names, sizes, strict=True):
            assert in_force(kubectl, name) == (cpu * 100, memory << 20)
    kubectl("delete", "pod", "three", "--now")


def shown_sizes(kubectl: Kubectl) -> list[dict[str, Any]]:
    """What the status says of each container, once the node has seen the spec and nothing is under way."""
    pod = json.loads(kubectl("get", "pod", "three", "-o", "json"))
    status = pod["status"]
    is_busy = any(each["type"].startswith("PodResize") for each in status["conditions"])
    if is_busy or status["observedGeneration"] < pod["metadata"]["generation"]:
        return []
    found = sorted(status["containerStatuses"], key=lambda each: str(each["name"]))
    assert [each["restartCount"] for each in found] == [0, 0, 0]
    return [each["resources"] for each in found]


def in_force(kubectl: Kubectl, container: str) -> tuple[int, int]:
    """Microseconds of CPU in 100 ms, and bytes of memory, of either version of cgroups."""
    files = "cpu/cpu.cfs_quota_us cpu.max memory/memory.limit_in_bytes memory.max"
    script = f"cd /sys/fs/cgroup; cat {files} 2>/dev/null; true"
    quota, memory = kubectl("exec", "three", "-c", container, "--", "sh", "-c", script).splitlines()
    return int(quota.split()[0]), int(memory)


def test_an_agent_that_was_killed_takes_its_pods_over(place: Place) -> None:
    kubectl, path = place.kubectl, "{range .status.containerStatuses[*]}{.containerID} {.restartCount}{'\\n'}{end}"
    before = kubectl("get", "pod", "pair", "-o", f"jsonpath={path}")
    last = int(kubectl("logs", "pair", "-c", "talker", "--tail=1").split()[1])
    (agent,) = agents(place.cluster)
    os.kill(agent, signal.SIGKILL)
    eventually(lambda: agents(place.cluster) not in ([], [agent]))
    eventually(lambda: kubectl.run("exec", "pair", "-c", "talker", "--", "ls", "/").returncode == 0, seconds=30)
    assert kubectl("get", "pod", "pair", "-o", f"jsonpath={path}") == before
    assert f"line {last + 1}\n" in kubectl("logs", "pair", "-c", "talker")


def test_top_and_statistics_know_the_pods(kubectl: Kubectl) -> None:
    eventually(lambda: "web-" in kubectl("top", "pods", "--no-headers", check=False), seconds=60)
    node = field(kubectl, "nodes", "", ".items[0].metadata.name")
    summary = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    pod: dict[str, Any] = next(each for each in summary["pods"] if each["podRef"]["name"] == "pair")
    assert {each["name"] for each in pod["containers"]} >= {"talker", "server", "shell"}
    assert all(each["memory"]["workingSetBytes"] > 0 for each in pod["containers"] if each["name"] == "server")
    assert pod["process_stats"]["process_count"] >= 3
    assert pod["network"]["rxBytes"] > 0


def test_nothing_is_left_after_a_purge(place: Place) -> None:
    name = place.cluster.name
    cloudk8s(place.cluster.environment, "down", "--name", name)
    assert TALK not in processes(), "pods end with their cluster"
    cloudk8s(place.cluster.environment, "down", "--name", name, "--purge")
    data = Path(place.cluster.environment["XDG_DATA_HOME"]) / "cloudk8s" / name
    assert not data.exists()


def processes() -> str:
    return subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True).stdout
