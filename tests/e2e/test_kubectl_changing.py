"""What a user changes with the real kubectl: editors, replacement, kustomizations, imperative commands."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl

KUSTOMIZATION = """
namePrefix: shop-
resources: [deployment.yaml]
configMapGenerator:
- name: settings
  literals: [colour=blue]
"""


def test_edit_stores_what_the_editor_leaves(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    kubectl("create", "configmap", "conf", "--from-literal=colour=blue", "-n", namespace)
    scripted = replace(kubectl, environment=kubectl.environment | {"KUBE_EDITOR": "sed -i s/blue/green/"})
    assert scripted("edit", "cm", "conf", "-n", namespace) == "configmap/conf edited\n"
    assert kubectl("get", "cm", "conf", "-n", namespace, "-o", "jsonpath={.data.colour}") == "green"
    idle = replace(kubectl, environment=kubectl.environment | {"KUBE_EDITOR": "true"})
    assert "Edit cancelled, no changes made." in idle("edit", "cm", "conf", "-n", namespace, check=False)


def test_replace_needs_the_revision_that_was_read(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "configmap", "conf", "--from-literal=a=1", "-n", namespace)
    old = kubectl("get", "cm", "conf", "-n", namespace, "-o", "yaml")
    assert kubectl("replace", "-f", "-", stdin=old.replace('"1"', '"2"')) == "configmap/conf replaced\n"
    refused = kubectl("replace", "-f", "-", stdin=old.replace('"1"', '"3"'), check=False)
    assert "the object has been modified; please apply your changes to the latest version and try again" in refused
    forced = kubectl("replace", "--force", "-f", "-", stdin=old)
    assert forced.endswith("configmap/conf replaced\n")
    assert kubectl("get", "cm", "conf", "-n", namespace, "-o", "jsonpath={.data.a}") == "1"


def test_kustomizations_are_applied_compared_and_deleted(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    template = kubectl("create", "deployment", "app", "--image=nginx", "--dry-run=client", "-o", "yaml")
    (tmp_path / "deployment.yaml").write_text(template)
    (tmp_path / "kustomization.yaml").write_text(KUSTOMIZATION)
    here = ("-k", str(tmp_path), "-n", namespace)
    created = kubectl("apply", *here).splitlines()
    assert created[1] == "deployment.apps/shop-app created"
    assert created[0].startswith("configmap/shop-settings-")
    assert kubectl("diff", *here) == ""
    (tmp_path / "deployment.yaml").write_text(template.replace("replicas: 1", "replicas: 2"))
    assert "+  replicas: 2" in kubectl("diff", *here, check=False)
    assert 'deployment.apps "shop-app" deleted' in kubectl("delete", *here)


def test_apply_prunes_what_is_no_longer_declared(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"set": "one"}}}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(manifest))
    apply = ("apply", "-n", namespace, "-f", str(tmp_path), "--prune", "-l", "set=one",
             "--prune-allowlist=core/v1/ConfigMap")  # fmt: skip
    kubectl(*apply)
    (tmp_path / "b.yaml").unlink()
    assert "configmap/b pruned" in kubectl(*apply)
    assert "NotFound" in kubectl("get", "cm", "b", "-n", namespace, check=False)


def test_set_changes_one_thing_of_a_template(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "deployment", "web", "--image=nginx", "-n", namespace)
    here = ("deployment/web", "-n", namespace)
    assert kubectl("set", "image", *here, "nginx=nginx:2") == "deployment.apps/web image updated\n"
    assert kubectl("set", "env", *here, "COLOUR=blue") == "deployment.apps/web env updated\n"
    assert (
        kubectl("set", "resources", *here, "--limits=cpu=100m") == "deployment.apps/web resource requirements updated\n"
    )
    container = yaml.safe_load(kubectl("get", *here, "-o", "yaml"))["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "nginx:2"
    assert container["env"] == [{"name": "COLOUR", "value": "blue"}]
    assert container["resources"] == {"limits": {"cpu": "100m"}}


def test_a_list_of_a_file_is_created_in_order(kubectl: Kubectl, namespace: str) -> None:
    documents = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}
        for name in ("first", "second")
    ]
    said = kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(documents))
    assert said == "configmap/first created\nconfigmap/second created\n"
    both = kubectl("delete", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(documents))
    assert both.count("deleted") == 2


def test_imperative_commands_make_every_kind(kubectl: Kubectl, namespace: str) -> None:
    commands = {
        "job.batch/once": ("job", "once", "--image=busybox"),
        "cronjob.batch/often": ("cronjob", "often", "--image=busybox", "--schedule=0 0 1 1 *"),
        "ingress.networking.k8s.io/web": ("ingress", "web", "--rule=example.com/*=web:80"),
        "poddisruptionbudget.policy/web": ("pdb", "web", "--selector=app=web", "--min-available=1"),
        "resourcequota/limits": ("quota", "limits", "--hard=pods=10"),
        "role.rbac.authorization.k8s.io/reader": ("role", "reader", "--verb=get", "--resource=pods"),
        "rolebinding.rbac.authorization.k8s.io/reader": ("rolebinding", "reader", "--role=reader", "--user=x"),
        "secret/password": ("secret", "generic", "password", "--from-literal=a=b"),
        "service/web": ("service", "clusterip", "web", "--tcp=80"),
        "serviceaccount/robot": ("serviceaccount", "robot"),
    }
    for reference, command in commands.items():
        assert kubectl("create", *command, "-n", namespace) == f"{reference} created\n"
    assert kubectl("get", *commands, "-n", namespace, "-o", "name").splitlines() == list(commands)


def test_mistakes_are_told_with_the_field(kubectl: Kubectl, namespace: str) -> None:
    negative = kubectl("create", "deployment", "web", "--image=nginx", "--replicas=1", "--dry-run=client", "-o", "yaml")
    refused = kubectl(
        "apply", "-n", namespace, "-f", "-", stdin=negative.replace("replicas: 1", "replicas: -1"), check=False
    )
    assert (
        'The Deployment "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
        in refused
    )
    wrong = kubectl("create", "configmap", "Wrong_Name", "-n", namespace, check=False)
    assert 'metadata.name: Invalid value: "Wrong_Name": a lowercase RFC 1123 subdomain must consist of' in wrong


def test_a_list_of_objects_is_checked_and_applied(kubectl: Kubectl, namespace: str) -> None:
    """kubectl checks lists against the protobuf form of OpenAPI 2."""
    items = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}} for name in ("a", "b")
    ]
    here = ("-n", namespace, "-f", "-")
    listed = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": items})
    assert kubectl("apply", *here, stdin=listed).splitlines() == ["configmap/a created", "configmap/b created"]
    wrong = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [items[0] | {"nope": 1}]})
    refused = kubectl("apply", *here, stdin=wrong, check=False)
    assert 'unknown field "nope" in io.k8s.api.core.v1.ConfigMap' in refused


def test_certificates_are_requested_approved_and_read(kubectl: Kubectl, namespace: str, tmp_path: Path) -> None:
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, namespace)])
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(names).sign(key, hashes.SHA256())
    encoded = base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"request": encoded, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    for name in ("wanted", "unwanted"):
        whole = {"metadata": {"name": f"{namespace}-{name}"}, "spec": spec, "kind": "CertificateSigningRequest"}
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump(whole | {"apiVersion": "certificates.k8s.io/v1"}))
    wanted, unwanted = f"csr/{namespace}-wanted", f"csr/{namespace}-unwanted"
    assert kubectl("certificate", "approve", f"{namespace}-wanted").endswith("-wanted approved\n")
    assert kubectl("certificate", "deny", f"{namespace}-unwanted").endswith("-unwanted denied\n")
    kubectl("wait", "--for=jsonpath={.status.certificate}", wanted, "--timeout=30s")
    signed = base64.b64decode(kubectl("get", wanted, "-o", "jsonpath={.status.certificate}"))
    assert x509.load_pem_x509_certificate(signed).subject == names
    assert "Denied" in kubectl("get", unwanted)
    kubectl("delete", wanted, unwanted)


def test_roles_are_reconciled(kubectl: Kubectl, namespace: str) -> None:
    def role(*verbs: str) -> str:
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
        meta = {"name": "reader", "namespace": namespace}
        return yaml.safe_dump(
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": rules}
        )

    here = ("auth", "reconcile", "-n", namespace, "-f", "-")
    assert "reconciled" in kubectl(*here, stdin=role("get"))
    assert "reconciled" in kubectl(*here, stdin=role("list"))
    verbs = json.loads(kubectl("get", "role/reader", "-n", namespace, "-o", "json"))["rules"]
    assert {verb for rule in verbs for verb in rule["verbs"]} == {"get", "list"}
