"""The same generated requests to a real kube-apiserver and to this one get the same answers.

Runs where `etcd` is installed and `CLOUDK8S_KUBE_APISERVER` names the program of a kube-apiserver; it was written with
1.20. Compared is what upstream has not changed since: the code, and of what is refused the fields and reasons, for
kinds whose rules are old. `CLOUDK8S_SEED` picks other requests.
"""

from __future__ import annotations

import copy
import http.client
import json
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, environment_in
from tests.storage.etcd_server import EtcdServer

BINARY = os.environ.get("CLOUDK8S_KUBE_APISERVER", "")
SEED = int(os.environ.get("CLOUDK8S_SEED", "1"))
REQUESTS = 300
CORE, RBAC = "/api/v1/namespaces/default", "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
ODD: tuple[Any, ...] = (
    None, "", 0, -1, 70_000, 2**40, "x", "X_y", "a" * 64, "a" * 300, "a b", "-a", "a/b", "..", "1.2.3.4", [], {}, [""],
    ["a", "a"], {"k": "v"}, True, False, "1Gi", "-1", "1.5", "100%", "0.0001m", "é", "UPPER", "*", "a.", "In",
)  # fmt: skip
META = {"name": "n", "labels": {"a": "b"}, "annotations": {"x/y": "z"}}
SUBJECT = {"kind": "ServiceAccount", "name": "s", "namespace": "x"}
TIMES = {"acquireTime": "2024-01-01T00:00:00.000000Z", "renewTime": "2024-01-01T00:00:00.123456Z"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "configmaps": (CORE, {"data": {"k": "v", "a.b-c_d": "x"}, "binaryData": {"b": "aGk="}, "immutable": False}),
    "secrets": (CORE, {"type": "kubernetes.io/tls", "data": {"tls.crt": "aGk=", "tls.key": "aGk="}}),
    "serviceaccounts": (CORE, {"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]}),
    "limitranges": (CORE, {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}}]}}),
    "roles": (RBAC, {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["x"]}]}),
    "rolebindings": (RBAC, {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [SUBJECT, {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "u"}],
    }),
    "leases": ("/apis/coordination.k8s.io/v1/namespaces/default", {"spec": {"holderIdentity": "x", **TIMES}}),
}  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BINARY, reason="CLOUDK8S_KUBE_APISERVER names no kube-apiserver to compare with"),
]


@dataclass
class Server:
    """One API server that takes the token `admin`."""

    port: int
    process: subprocess.Popen[bytes]
    connection: http.client.HTTPSConnection = field(init=False)

    def __post_init__(self) -> None:
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def is_ready(self) -> bool:
        try:
            return self.send("GET", "/api/v1/namespaces/default")[0] == 200
        except (OSError, ValueError, http.client.HTTPException):
            self.connection.close()
            return False


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    folder = tmp_path_factory.mktemp("beside")
    (folder / "tokens").write_text('admin,admin,admin,"system:masters"\n')
    (folder / "etcd").mkdir()
    etcd = EtcdServer(folder / "etcd")
    etcd.start()
    pair = (_theirs(folder, etcd), _ours(folder))
    deadline = time.monotonic() + 60
    while not all(server.is_ready() for server in pair):
        assert time.monotonic() < deadline, "the servers do not start"
        time.sleep(0.2)
    yield pair
    for server in pair:
        server.process.kill()
        server.process.wait()
    etcd.stop()


def _theirs(folder: Path, etcd: EtcdServer) -> Server:
    port, key = _free_port(), folder / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    options = {
        "etcd-servers": f"http://127.0.0.1:{etcd.port}", "secure-port": port, "bind-address": "127.0.0.1",
        "cert-dir": folder / "certs", "token-auth-file": folder / "tokens", "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc", "service-account-signing-key-file": key,
        "service-account-key-file": key, "service-cluster-ip-range": "10.97.0.0/16",
    }  # fmt: skip
    with (folder / "theirs.log").open("wb") as log:
        command = [BINARY, *(f"--{name}={value}" for name, value in options.items())]
        return Server(port, subprocess.Popen(command, stdout=log, stderr=log))


def _ours(folder: Path) -> Server:
    port = _free_port()
    command = [
        sys.executable, "-m", "cloudk8s", "apiserver", "--data-dir", str(folder / "ours"), "--secure-port", str(port),
        "--kubeconfig-out", str(folder / "config"), "--token-auth-file", str(folder / "tokens"), "--store", "memory://",
    ]  # fmt: skip
    with (folder / "ours.log").open("wb") as log:
        return Server(port, subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=environment_in(folder)))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("plural", KINDS)
def test_creations_are_taken_and_refused_alike(servers: tuple[Server, Server], plural: str) -> None:
    chance = random.Random(f"{SEED} {plural}")
    root, content = KINDS[plural]
    differences = []
    for _ in range(REQUESTS):
        body = copy.deepcopy({"metadata": META, **content})
        places = [_mutate(body, chance) for _ in range(chance.choice((1, 1, 2)))]
        theirs, ours = (_gist(*server.send("POST", f"{root}/{plural}?dryRun=All", body)) for server in servers)
        if theirs != ours:
            differences.append((places, theirs, ours))
    assert differences == []


def _mutate(tree: Any, chance: random.Random) -> str:
    """Put an odd value somewhere, or take something away; says where."""
    places = list(_places(tree))
    if not places:
        return "nowhere"
    parent, key, path = chance.choice(places)
    if chance.random() < 0.2:
        del parent[key]
        return f"-{path}"
    alike = [value for value in ODD if type(value) is type(parent[key])]
    parent[key] = copy.deepcopy(chance.choice(alike if alike and chance.random() < 0.75 else ODD))
    return f"{path}={parent[key]!r:.30}"


def _places(tree: Any, path: str = "") -> Iterator[tuple[Any, Any, str]]:
    items: Callable[[], Any] = tree.items if isinstance(tree, dict) else lambda: enumerate(tree)
    for key, value in list(items()) if isinstance(tree, (dict, list)) else ():
        yield tree, key, f"{path}/{key}"
        yield from _places(value, f"{path}/{key}")


def _gist(code: int, answer: Any) -> tuple[int, tuple[Any, ...]]:
    """The code with what is wrong where, or with what was made, without what differs between versions."""
    if code >= 400:
        causes = ((answer.get("details") or {}).get("causes")) or ()
        found = {(re.sub(r"\[[^]]*]", "[]", cause.get("field", "")), cause.get("reason", "")) for cause in causes}
        return code, tuple(sorted(found))
    kept = {key: value for key, value in answer.items() if key not in ("metadata", "kind", "apiVersion")}
    return code, (json.dumps(kept, sort_keys=True),)
