"""Upstream's recorded answers, replayed against a server of our own; skipped where the corpus is absent."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.golden_corpus import corpus
from tests.e2e.conftest import ROOT, environment_in

FOLDER = corpus()
DECISION = ROOT / "docs" / "decisions" / "recorded-answers-that-differ.md"
OPTIONS = (
    "--kubernetes-version", "1.36", "--service-cluster-ip-range", "10.97.0.0/16", "--store", "memory://",
    "--service-account-extra-certificates", "openshift-service-ca.crt:service-ca.crt",
)  # fmt: skip
BINDING = {
    "metadata": {"name": "bench"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "ServiceAccount", "name": "bench", "namespace": "default"}],
}

pytestmark = pytest.mark.skipif(FOLDER is None, reason="upstream's recorded answers are not here")
AREAS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if FOLDER else []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """An API server as the corpus wants it; what the replay has to know of it."""
    folder = tmp_path_factory.mktemp("recorded")
    config = folder / "kubeconfig"
    process = subprocess.Popen(
        [sys.executable, "-m", "cloudk8s", "apiserver", "--data-dir", str(folder), "--secure-port", "0",
         "--kubeconfig-out", str(config), *OPTIONS],
        cwd=ROOT, env=environment_in(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    while "ready" not in (line := process.stdout.readline()):
        assert line, "the server did not start"
    port = int(config.read_text().partition("https://")[2].partition(":")[2].split()[0])
    yield ["--server", f"https://127.0.0.1:{port}", "--token", token(folder, port)]
    process.kill()
    process.communicate()


def token(folder: Path, port: int) -> str:
    """A token of the account that the answers name, which may do everything."""
    context = ssl.create_default_context(cafile=folder / "pki" / "ca.crt")
    context.load_cert_chain(folder / "pki" / "admin.crt", folder / "pki" / "admin.key")
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)

    def post(path: str, body: Any) -> Any:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())

    accounts = "/api/v1/namespaces/default/serviceaccounts"
    post(accounts, {"metadata": {"name": "bench"}})
    post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", BINDING)
    made: str = post(f"{accounts}/bench/token", {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    connection.close()
    return made


@pytest.mark.parametrize("area", AREAS)
def test_answers_are_those_of_upstream_but_for_the_named_ones(server: list[str], area: str) -> None:
    command = [sys.executable, "replay.py", *server, "--patience", "1", area]
    told = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=110).stdout
    results = dict(re.findall(r"^(\S+)\.json: (\d+/\d+)$", told, re.MULTILINE))
    assert results, told
    differ = {case for case, (passed, total) in split(results).items() if passed != total}
    assert differ <= named(), "every other difference is a fault"


def split(results: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {case: (text.partition("/")[0], text.partition("/")[2]) for case, text in results.items()}


def named() -> set[str]:
    """The cases that the decision names: with their area, or after `policy`."""
    text = DECISION.read_text()
    names = set(re.findall(r"`([a-z-]+/[a-z-]+)`", text))
    policies = re.search(r"of `policy`\n(.*?)\.\n\n", text, re.DOTALL)
    assert policies is not None
    return names | {f"policy/{name}" for name in re.findall(r"`([a-z-]+)`", policies[1])}
