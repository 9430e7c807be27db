"""Hashes everybody has seen: of nginx, as `kubectl create deployment` and the documentation make it; of CoreDNS."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.controllers.pod_template.go_text import go_text
from cloudk8s.controllers.pod_template.hashing import template_hash

CREATED = {
    "1.25": "76d6c9b8c", "1.26": "748c667d99", "1.27": "77b4fdf86c", "1.28": "7854ff8877", "1.29": "7854ff8877",
    "1.30": "bf5d5cf98", "1.31": "676b6c5bbc", "1.32": "5869d7778c", "1.33": "5869d7778c", "1.34": "66686b6766",
    "1.35": "56c45fd5ff", "1.36": "7f8fbb96d", "1.37": "69b9cdbbdd",
}  # fmt: skip
DOCUMENTED = {
    "1.25": "7fb96c846b", "1.28": "86dcfdf4c6", "1.29": "86dcfdf4c6", "1.30": "77d8468669", "1.31": "d556bf558",
    "1.32": "647677fc66", "1.33": "647677fc66", "1.34": "bf744486c",
}  # fmt: skip
COREDNS = {
    ("1.28", "v1.10.1"): "5dd5756b68", ("1.29", "v1.11.1"): "76f75df574", ("1.30", "v1.11.1"): "7db6d8ff4d",
    ("1.31", "v1.11.1"): "6f6b679f8f", ("1.31", "v1.11.3"): "7c65d6cfc9", ("1.32", "v1.11.3"): "668d6bf9bc",
    ("1.33", "v1.12.0"): "674b8bbfcf", ("1.34", "v1.12.1"): "66bc5c9577", ("1.35", "v1.13.1"): "7d764666f9",
    ("1.36", "v1.14.2"): "589f44dc88", ("1.37", "v1.14.6"): "559f6c778d",
}  # fmt: skip
"""In every cluster that kubeadm made: the release, the version of CoreDNS that comes with it, the hash of its pods."""


def nginx(**container: Any) -> Object:
    """As stored: with all defaults."""
    defaults = {
        "name": "nginx", "resources": {}, "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }  # fmt: skip
    spec = {
        "containers": [{**defaults, **container}], "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst", "securityContext": {}, "schedulerName": "default-scheduler",
    }  # fmt: skip
    return {"metadata": {"labels": {"app": "nginx"}}, "spec": spec}


def coredns(version: str, tag: str) -> Object:
    """With probes, a volume, quantities, affinity, tolerations and capabilities; kubeadm changed it twice."""
    is_named = int(version.partition(".")[2]) >= 34
    ports = [("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")]
    ports += [("liveness-probe", 8080, "TCP"), ("readiness-probe", 8181, "TCP")] if is_named else []
    matches = {"matchExpressions": [{"key": "k8s-app", "operator": "In", "values": ["kube-dns"]}]}
    term = {"labelSelector": matches, "topologyKey": "kubernetes.io/hostname"}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    patience = {"initialDelaySeconds": 60, "timeoutSeconds": 5, "failureThreshold": 5}
    capabilities = {"add": ["NET_BIND_SERVICE"], "drop": ["all" if version == "1.28" else "ALL"]}
    template = nginx(
        name="coredns",
        image=f"registry.k8s.io/coredns/coredns:{tag}",
        imagePullPolicy="IfNotPresent",
        resources={"limits": {"memory": "170Mi"}, "requests": {"cpu": "100m", "memory": "70Mi"}},
        args=["-conf", "/etc/coredns/Corefile"],
        volumeMounts=[{"name": "config-volume", "mountPath": "/etc/coredns", "readOnly": True}],
        ports=[{"containerPort": port, "name": name, "protocol": protocol} for name, port, protocol in ports],
        livenessProbe=probe("/health", "liveness-probe" if is_named else 8080, **patience),
        readinessProbe=probe("/ready", "readiness-probe" if is_named else 8181),
        securityContext={
            "allowPrivilegeEscalation": False, "capabilities": capabilities, "readOnlyRootFilesystem": True,
        },
    )  # fmt: skip
    template["metadata"]["labels"] = {"k8s-app": "kube-dns"}
    items = [{"key": "Corefile", "path": "Corefile"}]
    template["spec"] |= {
        "priorityClassName": "system-cluster-critical",
        "serviceAccountName": "coredns",
        "serviceAccount": "coredns",
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}},
        "tolerations": [
            {"key": "CriticalAddonsOnly", "operator": "Exists"},
            {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
        ],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "dnsPolicy": "Default",
        "volumes": [{"name": "config-volume", "configMap": {"name": "coredns", "items": items, "defaultMode": 420}}],
    }
    return template


def probe(path: str, port: int | str, **changes: Any) -> Object:
    counts = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3, **changes}
    return {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}, **counts}


@pytest.mark.parametrize(("release", "known"), COREDNS.items())
def test_what_kubeadm_deploys_has_the_known_hash(release: tuple[str, str], known: str) -> None:
    version, _ = release
    assert template_hash(coredns(*release), None, kubernetes_version=version) == known


@pytest.mark.parametrize(("version", "known"), CREATED.items())
def test_what_kubectl_creates_has_the_known_hash(version: str, known: str) -> None:
    template = nginx(image="nginx", imagePullPolicy="Always")
    assert template_hash(template, None, kubernetes_version=version) == known


@pytest.mark.parametrize(("version", "known"), DOCUMENTED.items())
def test_what_the_documentation_shows_has_the_known_hash(version: str, known: str) -> None:
    ports = [{"containerPort": 80, "protocol": "TCP"}]
    template = nginx(image="nginx:1.14.2", imagePullPolicy="IfNotPresent", ports=ports)
    assert template_hash(template, None, kubernetes_version=version) == known


def test_a_collision_makes_another_hash() -> None:
    template = nginx(image="nginx")
    hashes = {template_hash(template, count, kubernetes_version="1.37") for count in (None, 0, 1, 2)}
    assert len(hashes) == 4


def test_every_part_of_a_template_counts() -> None:
    probe = {"httpGet": {"path": "/", "port": "web", "scheme": "HTTP"}, "periodSeconds": 10}
    resources = {"limits": {"cpu": "1", "memory": "128Mi"}, "requests": {"cpu": "100m"}}
    text = go_text(nginx(image="nginx", readinessProbe=probe, resources=resources, env=[{"name": "A"}]), 37)
    assert "ReadinessProbe:(*v1.Probe){ProbeHandler:(v1.ProbeHandler){Exec:(*v1.ExecAction)<nil> HTTPGet:" in text
    assert "Port:(intstr.IntOrString){Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string)web}" in text
    assert "Env:([]v1.EnvVar)[{Name:(string)A Value:(string) ValueFrom:(*v1.EnvVarSource)<nil>}]" in text
    assert "memory:{i:(resource.int64Amount){value:(int64)134217728 scale:(resource.Scale)0}" in text
    assert "map[cpu:{i:(resource.int64Amount){value:(int64)100 scale:(resource.Scale)-3}" in text


def test_fields_come_and_go_with_releases() -> None:
    template = nginx(image="nginx")
    assert "WorkloadRef" in go_text(template, 35)
    assert "WorkloadRef" not in go_text(template, 36)
    assert go_text(template, 36).endswith("SchedulingGroup:(*v1.PodSchedulingGroup)<nil>}}")
    assert go_text(template, 37).endswith("EvictionResponders:([]v1.EvictionResponder)<nil>}}")
