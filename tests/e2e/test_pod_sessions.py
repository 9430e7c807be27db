"""Live in pods by the real kubectl: logs that follow, terminals, attach, port-forward, copies, debugging, crashes.

As root, the file runs itself again as an ordinary user.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Cluster, Kubectl, cloudk8s, started
from tests.e2e.test_network import eventually

pytestmark = pytest.mark.kubectl
NOBODY = 65534
TALK = "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done"
SERVE = "cd /shared && exec python3 -m http.server 8080 --bind 127.0.0.1"
PAIR: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "pair"},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {"name": "talker", "image": "host", "command": ["/bin/sh", "-c", TALK]},
            {"name": "server", "image": "host", "command": ["/bin/sh", "-c", SERVE]},
            {"name": "shell", "image": "host", "command": ["/bin/cat"], "stdin": True, "tty": True},
        ],
        "volumes": [{"name": "shared", "emptyDir": {}}],
    },
}
for each in PAIR["spec"]["containers"]:
    each["volumeMounts"] = [{"name": "shared", "mountPath": "/shared"}]


def host_container(script: str, **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": "host", "command": ["/bin/sh", "-c", script], **more}


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> str:
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}
    return json.dumps(body)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    cluster = started(tmp_path_factory.mktemp("sessions"), "sessions")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "sessions", "--purge")


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster) -> Kubectl:
    kubectl = cluster.kubectl
    kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=60s")
    missing = kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.annotations}")
    if "a network of its own" in missing:
        pytest.skip("this host gives pods no network of their own")
    kubectl("apply", "-f", "-", stdin=json.dumps(PAIR))
    kubectl("wait", "pod/pair", "--for=condition=Ready", "--timeout=30s")
    return kubectl


class Running:
    """kubectl that goes on, with pipes or with a terminal."""

    def __init__(self, kubectl: Kubectl, *arguments: str, terminal: bool = False) -> None:
        command = ["kubectl", "--context", kubectl.context, *arguments]
        theirs = subprocess.PIPE
        self._near = -1
        if terminal:
            self._near, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, env=kubectl.environment,
            start_new_session=True,
        )  # fmt: skip
        if terminal:
            os.close(theirs)
        self.said = ""

    def until(self, pattern: str, seconds: float = 15) -> str:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.said):
            assert time.monotonic() < deadline, self.said
            if select.select([self._reading], [], [], 0.2)[0]:
                self.said += os.read(self._reading, 65536).decode(errors="replace")
        return self.said

    def type(self, text: str) -> None:
        os.write(self._near if self._near >= 0 else self.process.stdin.fileno(), text.encode())  # type: ignore[union-attr]

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        if self._near >= 0:
            os.close(self._near)

    @property
    def _reading(self) -> int:
        return self._near if self._near >= 0 else self.process.stdout.fileno()  # type: ignore[union-attr]


def test_containers_of_a_pod_share_localhost_and_volumes(kubectl: Kubectl):
    kubectl("exec", "pair", "-c", "talker", "--", "sh", "-c", "echo good morning > /shared/index.html")
    said = kubectl("exec", "pair", "-c", "talker", "--", "curl", "-s", "http://127.0.0.1:8080/")
    assert said == "good morning\n"


def test_logs_follow_and_know_tail_and_time(kubectl: Kubectl):
    with Running(kubectl, "logs", "-f", "pair", "-c", "talker") as logs:
        logs.until(r"line 1\r?\n")
        last = int(kubectl("logs", "pair", "-c", "talker", "--tail=1").split()[1])
        logs.until(rf"line {last + 5}\r?\n")
    assert len(kubectl("logs", "pair", "-c", "talker", "--tail=3").splitlines()) == 3
    assert re.match(
        r"\d{4}-\d\d-\d\dT[\d:.]+Z line", kubectl("logs", "pair", "-c", "talker", "--tail=1", "--timestamps")
    )


def test_a_shell_in_a_terminal(kubectl: Kubectl):
    with Running(kubectl, "exec", "-it", "pair", "-c", "talker", "--", "/bin/sh", terminal=True) as shell:
        shell.until(r"[#$] ")
        shell.type("tty; stty size; exit 7\n")
        shell.until(r"/dev/pts/\d+")
        assert shell.process.wait(10) == 7


def test_attach_speaks_with_the_main_process(kubectl: Kubectl):
    with Running(kubectl, "attach", "-it", "pair", "-c", "shell", terminal=True) as attached:
        time.sleep(0.5)
        attached.type("are you there\n")
        attached.until(r"are you there\r?\n(?:.*\n)*.*are you there")


def test_a_port_is_forwarded(kubectl: Kubectl):
    with Running(kubectl, "port-forward", "pair", ":8080") as forwarding:
        found = re.search(r"127\.0\.0\.1:(\d+) ->", forwarding.until(r"127\.0\.0\.1:\d+ ->"))
        assert found is not None
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/", timeout=5) as answer:
                assert answer.read() == b"good morning\n"


def test_files_are_copied_both_ways(kubectl: Kubectl, tmp_path: Path):
    data = os.urandom(8_000_000)
    (tmp_path / "there").write_bytes(data)
    keep = () if os.geteuid() == 0 else ("--no-preserve",)  # a user namespace has no other users to give files to
    kubectl("cp", *keep, str(tmp_path / "there"), "pair:/shared/copied", "-c", "talker")
    kubectl("cp", "pair:/shared/copied", str(tmp_path / "back"), "-c", "server")
    assert (tmp_path / "back").read_bytes() == data


def test_debugging_adds_a_container_beside_the_others(kubectl: Kubectl):
    kubectl(
        "debug",
        "pair",
        "--image=host",
        "-c",
        "doctor",
        "--target=talker",
        "--",
        "/bin/sh",
        "-c",
        "echo diagnosis; sleep 60",
    )
    eventually(lambda: "diagnosis" in kubectl.run("logs", "pair", "-c", "doctor").stdout)
    said = kubectl("exec", "pair", "-c", "doctor", "--", "curl", "-s", "http://127.0.0.1:8080/")
    assert said == "good morning\n"


def test_a_pod_that_does_not_live_is_restarted(kubectl: Kubectl):
    probe = {"exec": {"command": ["/bin/sh", "-c", "test -e /work/alive"]}, "periodSeconds": 1, "failureThreshold": 1}
    main = host_container(
        "touch /work/alive; exec sleep 600", livenessProbe=probe | {"initialDelaySeconds": 1},
        volumeMounts=[{"name": "work", "mountPath": "/work"}],
    )  # fmt: skip
    volumes = [{"name": "work", "emptyDir": {}}]
    kubectl("apply", "-f", "-", stdin=pod("mortal", main, volumes=volumes, terminationGracePeriodSeconds=1))
    kubectl("wait", "pod/mortal", "--for=condition=Ready", "--timeout=30s")
    kubectl("exec", "mortal", "--", "rm", "/work/alive")
    path = "jsonpath={.status.containerStatuses[0].restartCount}"
    eventually(lambda: kubectl("get", "pod", "mortal", "-o", path) == "1")
    kubectl("wait", "pod/mortal", "--for=condition=Ready", "--timeout=30s")
    assert "Liveness probe failed" in kubectl("describe", "pod", "mortal")
    kubectl("delete", "pod", "mortal", "--wait=false")


def test_a_pod_that_goes_says_goodbye_first(kubectl: Kubectl, tmp_path: Path):
    script = f"trap 'echo term >> {tmp_path}/told; exit 0' TERM; while true; do sleep 0.1; done"
    hook = {"exec": {"command": ["/bin/sh", "-c", f"echo hook >> {tmp_path}/told; sleep 0.5"]}}
    main = host_container(
        script, lifecycle={"preStop": hook}, volumeMounts=[{"name": "told", "mountPath": str(tmp_path)}]
    )
    volumes = [{"name": "told", "hostPath": {"path": str(tmp_path)}}]
    kubectl("apply", "-f", "-", stdin=pod("polite", main, volumes=volumes, terminationGracePeriodSeconds=20))
    kubectl("wait", "pod/polite", "--for=condition=Ready", "--timeout=30s")
    began = time.monotonic()
    kubectl("delete", "pod", "polite", "--timeout=30s")
    assert time.monotonic() - began < 15
    assert (tmp_path / "told").read_text().split() == ["hook", "term"]


def test_an_agent_that_was_killed_takes_its_pods_over(kubectl: Kubectl, cluster: Cluster):
    look = "jsonpath={range .status.containerStatuses[*]}{.containerID} {.restartCount}{'\\n'}{end}"
    before = kubectl("get", "pod", "pair", "-o", look)
    last = int(kubectl("logs", "pair", "-c", "talker", "--tail=1").split()[1])
    (agent,) = agents(cluster)
    os.kill(agent, signal.SIGKILL)
    eventually(lambda: agents(cluster) not in ([], [agent]))
    until_works(lambda: kubectl.run("exec", "pair", "-c", "talker", "--", "true").returncode == 0)
    assert kubectl("get", "pod", "pair", "-o", look) == before
    assert f"line {last + 1}\n" in kubectl("logs", "pair", "-c", "talker")
    assert kubectl("exec", "pair", "-c", "talker", "--", "curl", "-s", "http://127.0.0.1:8080/") == "good morning\n"


def until_works(look: Callable[[], bool]) -> None:
    eventually(look, seconds=30)


def agents(cluster: Cluster) -> list[int]:
    directory = cluster.environment["XDG_DATA_HOME"]
    found = subprocess.run(["ps", "-wweo", "pid,stat,args"], capture_output=True, text=True, check=True).stdout
    lines = (line for line in found.splitlines() if " kubelet " in line and directory in line)
    return [int(line.split()[0]) for line in lines if line.split()[1][0] != "Z"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_all_of_this_as_an_ordinary_user() -> None:
    python = shutil.which(f"python{sys.version_info.major}.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    if python is None:
        pytest.skip("a python that every user may run is not installed")
    home = Path("/tmp") / f"sessions-{os.getpid()}"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    arguments = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, f"--basetemp={home}/t"]
    environment = os.environ | {
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    try:
        done = subprocess.run(
            [python, *arguments], capture_output=True, text=True, env=environment, check=False, timeout=150,
            user=NOBODY, group=NOBODY, extra_groups=[],
        )  # fmt: skip
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
