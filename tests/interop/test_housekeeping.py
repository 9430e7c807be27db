"""What controllers keep in order: namespaces, garbage, accounts, quotas, endpoints, certificates."""

from __future__ import annotations

import base64
import json
import subprocess
from functools import partial
from pathlib import Path

import pytest

from cloudk8s.apiserver.kubeconfig import Access, write
from tests.interop.clusters import Cluster
from tests.interop.joining import bootstrap_kubeconfig
from tests.interop.kubectl import Kubectl
from tests.interop.objects import pod, service, workload
from tests.interop.processes import eventually

pytestmark = [pytest.mark.slow, pytest.mark.kubectl]


def test_a_namespace_goes_with_all_that_is_in_it(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "doomed")
    eventually(lambda: "default" in kubectl.names("serviceaccounts", "-n", "doomed"))
    kubectl.apply(workload("Deployment", "web", 2), service("web"), namespace="doomed")
    kubectl("-n", "doomed", "create", "configmap", "one", "--from-literal=a=b")
    kubectl("-n", "doomed", "rollout", "status", "deployment/web", "--timeout=45s")
    kubectl("delete", "namespace", "doomed", "--timeout=45s")
    assert "doomed" not in kubectl.names("namespaces")
    assert not kubectl.items("pods", "-n", "doomed")


def test_a_namespace_waits_for_finalizers_and_says_so(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "held")
    kubectl("-n", "held", "create", "configmap", "one")
    kubectl(
        "-n", "held", "patch", "configmap", "one", "--type=merge", "-p", '{"metadata":{"finalizers":["example.com/a"]}}'
    )
    kubectl("delete", "namespace", "held", "--wait=false")

    def remaining() -> bool:
        conditions = kubectl.json("namespace", "held")["status"].get("conditions", ())
        return any((c["type"], c["status"]) == ("NamespaceFinalizersRemaining", "True") for c in conditions)

    eventually(remaining)
    kubectl("-n", "held", "patch", "configmap", "one", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    eventually(lambda: "held" not in kubectl.names("namespaces"), seconds=60)


def test_dependents_go_with_their_owner_before_it_or_not_at_all(kubectl: Kubectl, namespace: str) -> None:
    for name in ("background", "foreground", "orphan"):
        kubectl.apply(workload("Deployment", name, 2), namespace=namespace)
        kubectl("-n", namespace, "rollout", "status", f"deployment/{name}", "--timeout=45s")
        kubectl("-n", namespace, "delete", "deployment", name, f"--cascade={name}", "--timeout=45s")
        left = () if name != "foreground" else kubectl.items("replicasets", "-n", namespace, "-l", f"app={name}")
        assert not left
    gone = ("-l", "app in (background, foreground)")
    eventually(lambda: not kubectl.items("replicasets,pods", "-n", namespace, *gone))
    (orphan,) = kubectl.items("replicasets", "-n", namespace, "-l", "app=orphan")
    assert not orphan["metadata"].get("ownerReferences")
    assert len(kubectl.items("pods", "-n", namespace, "-l", "app=orphan")) == 2


def test_garbage_of_an_absent_owner_and_of_custom_kinds_is_collected(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(WIDGETS)
    kubectl("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=30s")
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "owner"}, "spec": {"size": 1}}
    eventually(lambda: kubectl.apply(widget, namespace=namespace))
    uid = kubectl.json("widget/owner", "-n", namespace)["metadata"]["uid"]
    owner = {"apiVersion": "example.com/v1", "kind": "Widget", "name": "owner", "uid": uid}
    lost = {"apiVersion": "v1", "kind": "ConfigMap", "name": "never-was", "uid": "00000000-0000-0000-0000-000000000000"}
    for name, reference in (("owned", owner), ("lost", lost)):
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "ownerReferences": [reference]}}
        kubectl.apply(made, namespace=namespace)
    eventually(lambda: "lost" not in kubectl.names("configmaps", "-n", namespace))
    assert "owned" in kubectl.names("configmaps", "-n", namespace)
    kubectl("-n", namespace, "delete", "widget", "owner")
    eventually(lambda: "owned" not in kubectl.names("configmaps", "-n", namespace), seconds=60)


WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
                    }
                },
            }
        ],
    },
}


def test_every_namespace_has_an_account_and_the_root_certificate(
    cluster: Cluster, kubectl: Kubectl, namespace: str
) -> None:
    authority = cluster.server.pki.ca.certificate.read_text()
    eventually(lambda: kubectl.json("configmap/kube-root-ca.crt", "-n", namespace)["data"]["ca.crt"] == authority)
    eventually(lambda: "default" in kubectl.names("serviceaccounts", "-n", namespace))
    kubectl("-n", namespace, "delete", "serviceaccount", "default")
    kubectl("-n", namespace, "delete", "configmap", "kube-root-ca.crt")
    eventually(lambda: "default" in kubectl.names("serviceaccounts", "-n", namespace))
    eventually(lambda: "kube-root-ca.crt" in kubectl.names("configmaps", "-n", namespace))


def test_tokens_in_secrets_and_by_request_are_believed(
    cluster: Cluster, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    kubectl("-n", namespace, "create", "serviceaccount", "robot")
    secret = {
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "robot-token", "annotations": {"kubernetes.io/service-account.name": "robot"}},
    }  # fmt: skip
    kubectl.apply(secret, namespace=namespace)
    filled = eventually(lambda: kubectl.json("secret/robot-token", "-n", namespace).get("data", {}).get("token"))
    tokens = (base64.b64decode(filled).decode(), kubectl("-n", namespace, "create", "token", "robot").strip())
    kubectl(
        "-n", namespace, "create", "rolebinding", "robot", "--clusterrole=view", f"--serviceaccount={namespace}:robot"
    )
    for token in tokens:
        config = tmp_path / "robot.conf"
        write(config, Access("robot", cluster.server.url, cluster.server.pki.ca.certificate.read_bytes(), token=token))
        robot = Kubectl(config)
        eventually(partial(is_told, robot, namespace))
        assert "Forbidden" in robot.run("-n", "kube-system", "get", "pods").stderr


def is_told(kubectl: Kubectl, namespace: str) -> bool:
    return kubectl.run("-n", namespace, "get", "pods").returncode == 0


def test_endpoints_follow_pods(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(workload("Deployment", "web", 3), service("web"), namespace=namespace)
    kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=45s")

    def addresses() -> list[str]:
        subsets = kubectl.json("endpoints/web", "-n", namespace).get("subsets") or [{}]
        return sorted(each["ip"] for each in subsets[0].get("addresses", ()))

    def wanted() -> list[str]:
        return sorted(each["status"]["podIP"] for each in kubectl.items("pods", "-n", namespace))

    eventually(lambda: len(addresses()) == 3 and addresses() == wanted())
    kubectl("-n", namespace, "scale", "deployment/web", "--replicas=1")
    eventually(lambda: len(addresses()) == 1 and addresses() == wanted())


def test_endpoint_slices_follow_pods(cluster: Cluster, kubectl: Kubectl, namespace: str) -> None:
    wanted = (
        "discovery.k8s.io/v1beta1"
        if cluster.has_upstream_controllers and cluster.upstream.minor < 21
        else "discovery.k8s.io/v1"
    )
    if not kubectl.has(wanted, "endpointslices"):
        pytest.skip(f"the server has no EndpointSlices of {wanted}, which the controllers know")
    kubectl.apply(workload("Deployment", "web", 2), service("web"), namespace=namespace)
    which = ("endpointslices", "-n", namespace, "-l", "kubernetes.io/service-name=web")
    eventually(lambda: [len(each["endpoints"] or ()) for each in kubectl.items(*which)] == [2])


def test_a_quota_counts_and_holds(kubectl: Kubectl, namespace: str) -> None:
    hard = {"pods": "2", "requests.cpu": "1", "count/configmaps": "3", "count/deployments.apps": "1", "services": "1"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": {"hard": hard}}
    eventually(lambda: "kube-root-ca.crt" in kubectl.names("configmaps", "-n", namespace))
    kubectl.apply(quota, namespace=namespace)
    eventually(lambda: kubectl.json("quota/small", "-n", namespace)["status"].get("hard") == hard)
    containers = [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}]
    kubectl.apply(workload("Deployment", "web", 3, {"containers": containers}), service("web"), namespace=namespace)

    def used() -> dict[str, str]:
        found: dict[str, str] = kubectl.json("quota/small", "-n", namespace)["status"]["used"]
        return found

    full = {
        "pods": "2",
        "requests.cpu": "200m",
        "count/configmaps": "1",
        "count/deployments.apps": "1",
        "services": "1",
    }
    eventually(lambda: used() == full)
    assert (
        "exceeded quota: small"
        in kubectl.run("-n", namespace, "create", "service", "clusterip", "more", "--tcp=80").stderr
    )
    events = eventually(lambda: [e for e in kubectl.items("events", "-n", namespace) if e["reason"] == "FailedCreate"])
    assert "exceeded quota" in events[0]["message"]
    kubectl("-n", namespace, "delete", "deployment", "web")
    eventually(lambda: used()["pods"] == "0" and used()["requests.cpu"] == "0", seconds=60)


def test_a_quota_counts_kinds_in_whatever_version_they_are_served(kubectl: Kubectl, namespace: str) -> None:
    """Budgets have another version in old servers."""
    version = "policy/v1" if kubectl.has("policy/v1", "poddisruptionbudgets") else "policy/v1beta1"
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    budget = {"apiVersion": version, "kind": "PodDisruptionBudget", "metadata": {"name": "b"}, "spec": spec}
    kubectl.apply(budget, namespace=namespace)
    count = "count/poddisruptionbudgets.policy"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "kinds"}, "spec": {"hard": {count: "5"}}}
    kubectl.apply(quota, namespace=namespace)

    def used() -> str:
        return str(kubectl.json("quota/kinds", "-n", namespace)["status"].get("used", {}).get(count))

    eventually(lambda: used() == "1")
    kubectl("-n", namespace, "delete", f"poddisruptionbudgets.{version.split('/')[1]}.policy", "b")
    eventually(lambda: used() == "0", seconds=60)


def test_pods_of_nodes_that_never_were_are_cleaned_up(kubectl: Kubectl, namespace: str) -> None:
    kubectl.apply(pod("stray", nodeName="no-such-node"), namespace=namespace)
    eventually(lambda: not kubectl.items("pods", "-n", namespace), seconds=110)


def test_roles_are_aggregated(kubectl: Kubectl) -> None:
    rules = [{"apiGroups": ["interop.example.com"], "resources": ["gadgets"], "verbs": ["get"]}]
    metadata = {"name": "gadgets", "labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}
    kubectl.apply(role)
    eventually(lambda: "interop.example.com" in json.dumps(kubectl.json("clusterrole/view")["rules"]))


def test_a_joining_node_is_given_a_certificate(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """A bootstrap token asks, as kubeadm's do."""
    info = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster-info"}, "data": {"kubeconfig": "a"}}
    kubectl.apply(info, namespace="kube-public")
    config = bootstrap_kubeconfig(cluster.server, tmp_path / "joining.conf")
    request = {
        "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "joining"},
        "spec": {
            "request": base64.b64encode(request_of("system:node:joining", "system:nodes", tmp_path)).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["digital signature", "key encipherment", "client auth"],
        },
    }  # fmt: skip
    Kubectl(config)("create", "-f", "-", stdin=json.dumps(request))
    certificate = eventually(lambda: kubectl.json("csr/joining")["status"].get("certificate"))
    (tmp_path / "node.crt").write_bytes(base64.b64decode(certificate))
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(tmp_path / "node.crt"), "-noout", "-subject"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "system:node:joining" in shown.stdout
    eventually(lambda: "jws-kubeconfig-abcdef" in kubectl.json("configmap/cluster-info", "-n", "kube-public")["data"])


def request_of(user: str, group: str, folder: Path) -> bytes:
    command = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/O={group}/CN={user}"]
    return subprocess.run([*command, "-keyout", str(folder / "node.key")], capture_output=True, check=True).stdout
