"""What a user does to single objects, by the real kubectl, each with the output that the user sees."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl

CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  colour: blue
"""


def test_create_get_and_delete(kubectl: Kubectl, namespace: str) -> None:
    said = kubectl("create", "configmap", "conf", "--from-literal=a=1", "-n", namespace)
    assert said == "configmap/conf created\n"
    assert kubectl("get", "cm", "conf", "-n", namespace, "-o", "jsonpath={.data.a}") == "1"
    assert kubectl("get", "cm", "conf", "-n", namespace, "-o", "name") == "configmap/conf\n"
    assert kubectl("delete", "cm", "conf", "-n", namespace).startswith('configmap "conf" deleted')
    assert "NotFound" in kubectl("get", "cm", "conf", "-n", namespace, check=False)


def test_apply_says_what_it_did(kubectl: Kubectl, namespace: str) -> None:
    assert kubectl("apply", "-n", namespace, "-f", "-", stdin=CONFIG) == "configmap/settings created\n"
    assert kubectl("apply", "-n", namespace, "-f", "-", stdin=CONFIG) == "configmap/settings unchanged\n"
    changed = CONFIG.replace("blue", "green")
    assert "-  colour: blue" in kubectl("diff", "-n", namespace, "-f", "-", stdin=changed, check=False)
    assert kubectl("apply", "-n", namespace, "-f", "-", stdin=changed) == "configmap/settings configured\n"
    assert kubectl("get", "cm", "settings", "-n", namespace, "-o", "jsonpath={.data}") == '{"colour":"green"}'


def test_server_side_apply_reports_conflicts(kubectl: Kubectl, namespace: str) -> None:
    apply = ("apply", "--server-side", "-n", namespace, "-f", "-")
    assert kubectl(*apply, "--field-manager", "one", stdin=CONFIG) == "configmap/settings serverside-applied\n"
    other = CONFIG.replace("blue", "red")
    refused = kubectl(*apply, "--field-manager", "two", stdin=other, check=False)
    assert 'Apply failed with 1 conflict: conflict with "one": .data.colour' in refused
    forced = kubectl(*apply, "--field-manager", "two", "--force-conflicts", stdin=other)
    assert forced == "configmap/settings serverside-applied\n"


def test_labels_annotations_and_patches(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "conf", "--from-literal=a=1", "-n", namespace)
    here = ("cm", "conf", "-n", namespace)
    assert kubectl("label", *here, "tier=web") == "configmap/conf labeled\n"
    assert kubectl("annotate", *here, "note=hello") == "configmap/conf annotated\n"
    patches = {
        "strategic": '{"data": {"b": "2"}}',
        "merge": '{"data": {"c": "3"}}',
        "json": '[{"op": "add", "path": "/data/d", "value": "4"}]',
    }
    for kind, patch in patches.items():
        assert kubectl("patch", *here, "--type", kind, "-p", patch) == "configmap/conf patched\n"
    stored = json.loads(kubectl("get", *here, "-o", "json"))
    assert stored["data"] == {"a": "1", "b": "2", "c": "3", "d": "4"}
    assert stored["metadata"]["labels"] == {"tier": "web"}
    listed = kubectl("get", "cm", "-n", namespace, "-l", "tier in (web, db)", "--no-headers")
    assert listed.split()[0] == "conf"


def test_unknown_fields_are_refused_by_name(kubectl: Kubectl, namespace: str) -> None:
    wrong = CONFIG + "dta: {}\n"
    refused = kubectl("create", "-n", namespace, "-f", "-", stdin=wrong, check=False)
    assert 'unknown field "dta"' in refused


def test_dry_run_stores_nothing(kubectl: Kubectl, namespace: str) -> None:
    run = ("run", "web", "--image=nginx", "-n", namespace)
    assert kubectl(*run, "--dry-run=server") == "pod/web created (server dry run)\n"
    assert kubectl(*run, "--dry-run=client") == "pod/web created (dry run)\n"
    completed, plain = (json.loads(kubectl(*run, f"--dry-run={where}", "-o", "json")) for where in ("server", "client"))
    assert (completed["spec"]["schedulerName"], "schedulerName" in plain["spec"]) == ("default-scheduler", False)
    assert "No resources found" in kubectl("get", "pods", "-n", namespace, check=False)


def test_watch_shows_changes_as_they_happen(kubectl: Kubectl, namespace: str) -> None:
    command = ["kubectl", "--context", kubectl.context, "get", "cm", "-n", namespace, "-w", "-o", "name"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=kubectl.environment) as watch:
        assert watch.stdout is not None
        kubectl("create", "configmap", "first", "-n", namespace)
        lines = [watch.stdout.readline() for _ in range(2)]
        watch.terminate()
    assert "configmap/first\n" in lines


GATED = """
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {in: NAMESPACE}}
spec:
  schedulingGates: [{name: example.com/wait}]
  containers: [{name: one, image: nginx}]
"""


def test_a_watch_of_pods_everywhere_prints_each_state_in_a_row(kubectl: Kubectl, namespace: str) -> None:
    command = ["kubectl", "--context", kubectl.context, "get", "pods", "-A", "-w", "-l", f"in={namespace}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=kubectl.environment) as watch:
        assert watch.stdout is not None
        kubectl("create", "-n", namespace, "-f", "-", stdin=GATED.replace("NAMESPACE", namespace))
        assert watch.stdout.readline().split() == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        rows = [watch.stdout.readline().split()]
        opened = '[{"op": "remove", "path": "/spec/schedulingGates"}]'
        kubectl("patch", "pod", "one", "-n", namespace, "--type=json", "-p", opened)
        while rows[-1][3] != "Running":
            rows.append(watch.stdout.readline().split())
        watch.terminate()
    assert {tuple(row[:2]) for row in rows} == {(namespace, "one")}
    assert rows[0][2:4] == ["0/1", "SchedulingGated"]
    assert rows[-1][2] == "1/1"


def test_explain_describes_every_level(kubectl: Kubectl) -> None:
    text = kubectl("explain", "deployment.spec.template.spec.containers.livenessProbe.httpGet")
    assert "FIELD: httpGet <HTTPGetAction>" in text
    assert "port" in text


def test_resources_versions_and_rights(kubectl: Kubectl) -> None:
    rows = kubectl("api-resources", "--no-headers").splitlines()
    assert any(row.startswith("deployments") and "deploy" in row for row in rows)
    assert "apps/v1" in kubectl("api-versions").splitlines()
    assert kubectl("auth", "can-i", "create", "pods") == "yes\n"
    assert "kubernetes-admin" in kubectl("auth", "whoami")


def test_field_selectors_sorting_and_chunks(kubectl: Kubectl, namespace: str) -> None:
    for name in ("c", "a", "b"):
        kubectl("create", "configmap", name, "-n", namespace)
    chosen = kubectl("get", "cm", "-n", namespace, "--field-selector", "metadata.name=b", "-o", "name")
    assert chosen == "configmap/b\n"
    rows = kubectl("get", "cm", "-n", namespace, "--chunk-size=1", "--sort-by", ".metadata.name", "--no-headers")
    names = [row.split()[0] for row in rows.splitlines()]
    assert [name for name in names if name in "abc"] == ["a", "b", "c"]
    kubectl("create", "configmap", "kept-apart", "-n", namespace)
    asked = kubectl.run("get", "cm", "-n", namespace, "--chunk-size=2", "-o", "name", "-v=6")
    assert len(asked.stdout.split()) >= 4
    assert "continue=" in asked.stderr, "more than one page was read"


def test_tokens_are_issued_for_service_accounts(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    kubectl("create", "serviceaccount", "robot", "-n", namespace)
    token = kubectl("create", "token", "robot", "-n", namespace, "--duration=10m").strip()
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["users"][0]["user"] = {"token": token}
    file = tmp_path / "robot.kubeconfig"
    file.write_text(json.dumps(config))
    robot = ("--kubeconfig", str(file))
    who = json.loads(kubectl(*robot, "auth", "whoami", "-o", "json"))["status"]["userInfo"]
    assert who["username"] == f"system:serviceaccount:{namespace}:robot"
    assert f"system:serviceaccounts:{namespace}" in who["groups"]
    assert "cannot list resource" in kubectl(*robot, "get", "pods", "-n", namespace, check=False)


def test_deleting_a_namespace_takes_its_content_along(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "short-lived")
    kubectl("create", "configmap", "conf", "-n", "short-lived")
    assert kubectl("delete", "namespace", "short-lived", "--timeout=30s").startswith('namespace "short-lived"')
    assert "NotFound" in kubectl("get", "namespace", "short-lived", check=False)
