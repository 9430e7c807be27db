"""What a user reads with the real kubectl: descriptions, every output format, events, waiting."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl


@pytest.fixture
def pair(kubectl: Kubectl, namespace: str) -> str:
    """A namespace with two ConfigMaps, `a` and `b`, whose value is their name."""
    for name in ("a", "b"):
        kubectl("create", "configmap", name, f"--from-literal=value={name}", "-n", namespace)
    return namespace


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("name", "configmap/a\nconfigmap/b\n"),
        ("jsonpath={.items[*].data.value}", "a b"),
        ('go-template={{range .items}}{{.data.value}};{{end}}', "a;b;"),
        ("custom-columns=NAME:.metadata.name,VALUE:.data.value", "NAME   VALUE\na      a\nb      b\n"),
        ("template={{len .items}}", "2"),
    ],
    ids=["name", "jsonpath", "go-template", "custom-columns", "template"],
)  # fmt: skip
def test_formats_that_choose_fields(kubectl: Kubectl, pair: str, output: str, expected: str) -> None:
    assert kubectl("get", "cm", "a", "b", "-n", pair, "-o", output) == expected


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("jsonpath-file", "{.items[*].data.value}", "a b"),
        ("go-template-file", "{{range .items}}{{.data.value}};{{end}}", "a;b;"),
        (
            "custom-columns-file",
            "NAME          VALUE\nmetadata.name data.value\n",
            "NAME   VALUE\na      a\nb      b\n",
        ),
    ],
)
def test_formats_may_stand_in_files(
    kubectl: Kubectl, pair: str, tmp_path: Path, format: str, text: str, expected: str
) -> None:
    (tmp_path / "format").write_text(text)
    assert kubectl("get", "cm", "a", "b", "-n", pair, "-o", f"{format}={tmp_path / 'format'}") == expected


def test_paths_may_be_answered_as_json(kubectl: Kubectl, pair: str) -> None:
    assert json.loads(kubectl("get", "cm", "a", "b", "-n", pair, "-o", "jsonpath-as-json={.items[*].data}")) == [
        {"value": "a"}, {"value": "b"},
    ]  # fmt: skip


@pytest.mark.slow
def test_every_field_of_every_kind_is_explained(kubectl: Kubectl) -> None:
    for line in kubectl("api-resources", "--no-headers").splitlines():
        words = line.split()
        text = kubectl("explain", words[0], "--recursive", f"--api-version={words[-3]}")
        assert text.startswith(("KIND:", "GROUP:")), line
        assert "DESCRIPTION:" in text, line


def test_json_and_yaml_hold_the_same_object(kubectl: Kubectl, pair: str) -> None:
    tree = json.loads(kubectl("get", "cm", "a", "-n", pair, "-o", "json"))
    assert tree == yaml.safe_load(kubectl("get", "cm", "a", "-n", pair, "-o", "yaml"))
    assert (tree["kind"], tree["data"], tree["metadata"]["namespace"]) == ("ConfigMap", {"value": "a"}, pair)


def test_tables_grow_columns_when_wide(kubectl: Kubectl, namespace: str) -> None:
    kubectl("run", "one", "--image=nginx", "-n", namespace)
    kubectl("wait", "--for=condition=Ready", "pod/one", "-n", namespace, "--timeout=30s")
    narrow, row = kubectl("get", "pods", "-n", namespace).splitlines()
    wide = kubectl("get", "pods", "-n", namespace, "-o", "wide").splitlines()[0]
    assert narrow.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert re.match(r"one\s+1/1\s+Running\s+0\s+\d+s", row)
    assert wide.split()[5:8] == ["IP", "NODE", "NOMINATED"]
    shown = kubectl("get", "pods", "-n", namespace, "--show-labels", "--no-headers")
    zone = kubectl(
        "get", "pod", "one", "-n", namespace, "-o", r"jsonpath={.metadata.labels.topology\.kubernetes\.io/zone}"
    )
    place = f"topology.kubernetes.io/region=simulated,topology.kubernetes.io/zone={zone}"
    assert shown.split()[-1] == f"run=one,{place}"  # pods get their node's place when they are bound
    assert zone.startswith("simulated-")


def test_describe_tells_state_and_events(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "--replicas=2", "-n", namespace)
    kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=30s")
    text = kubectl("describe", "deployment", "web", "-n", namespace)
    assert "Replicas:               2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in text
    assert re.search(r"Available\s+True\s+MinimumReplicasAvailable", text)
    assert re.search(r"Normal\s+ScalingReplicaSet\s+\S+\s+deployment-controller\s+Scaled up replica set web-", text)
    pod = kubectl("describe", "pod", "-l", "app=web", "-n", namespace)
    assert pod.count("Controlled By:  ReplicaSet/web-") == 2
    assert f"Successfully assigned {namespace}/web-" in pod
    node = kubectl("describe", "node", "sim-0")
    assert re.search(r"Ready\s+True.*KubeletReady", node)
    assert "Allocated resources:" in node


@pytest.mark.parametrize("kind", ["services", "endpointslices", "serviceaccounts", "nodes", "roles",
                                  "clusterroles", "storageclasses", "priorityclasses", "leases"])  # fmt: skip
def test_describe_has_no_errors_for_what_a_cluster_starts_with(kubectl: Kubectl, kind: str) -> None:
    done = kubectl.run("describe", kind, *([] if kind == "nodes" else ["-n", "kube-system"]))
    assert done.returncode == 0
    assert "error" not in done.stderr.lower()


def test_events_are_listed_by_both_commands(kubectl: Kubectl, namespace: str) -> None:
    kubectl("run", "one", "--image=nginx", "-n", namespace)
    kubectl("wait", "--for=condition=Ready", "pod/one", "-n", namespace, "--timeout=30s")
    for command in (("events",), ("get", "events", "--sort-by=.metadata.creationTimestamp")):
        text = kubectl(*command, "-n", namespace)
        assert re.search(r"Normal\s+Scheduled\s+(P|p)od/one\s+Successfully assigned", text)
    chosen = kubectl("get", "events", "-n", namespace, "--field-selector", "reason=Scheduled", "-o", "name")
    assert chosen.startswith("event/one.")


def test_wait_follows_conditions_fields_and_deletion(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "-n", namespace)
    here = ("deployment/web", "-n", namespace, "--timeout=30s")
    assert kubectl("wait", "--for=condition=Available", *here) == "deployment.apps/web condition met\n"
    assert kubectl("wait", "--for=jsonpath={.status.readyReplicas}=1", *here) == "deployment.apps/web condition met\n"
    kubectl("delete", "deployment", "web", "-n", namespace, "--wait=false")
    kubectl("wait", "--for=delete", "pod", "-l", "app=web", "-n", namespace, "--timeout=30s")
    late = kubectl("wait", "--for=condition=Available", "deployment/web", "-n", namespace, check=False)
    assert "NotFound" in late


def test_explain_knows_formats_and_versions(kubectl: Kubectl) -> None:
    every = kubectl("explain", "pods", "--recursive")
    assert every.count("<") > 800
    assert "VERSION:    v2" in kubectl("explain", "hpa", "--api-version=autoscaling/v2")
    missing = kubectl("explain", "pods.spec.nothing", check=False)
    assert 'field "nothing" does not exist' in missing


def test_rights_are_told_for_others_too(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "role", "reader", "--verb=get,list", "--resource=pods", "-n", namespace)
    kubectl("create", "rolebinding", "reader", "--role=reader", "--user=jane", "-n", namespace)
    ask = ("auth", "can-i", "-n", namespace, "--as", "jane")
    assert kubectl(*ask, "list", "pods") == "yes\n"
    assert kubectl(*ask, "delete", "pods", check=False).startswith("no\n")
    assert re.search(r"pods\s+\[\]\s+\[\]\s+\[get list\]", kubectl(*ask, "--list"))
    refused = kubectl("delete", "pod", "x", "-n", namespace, "--as", "jane", check=False)
    assert f'User "jane" cannot delete resource "pods" in API group "" in the namespace "{namespace}"' in refused


def test_health_and_addresses(kubectl: Kubectl) -> None:
    assert kubectl("get", "--raw", "/readyz?verbose").endswith("readyz check passed\n")
    assert json.loads(kubectl("version", "-o", "json"))["serverVersion"]["major"] == "1"
    assert "Kubernetes control plane is running at https://127.0.0.1:" in kubectl("cluster-info")
