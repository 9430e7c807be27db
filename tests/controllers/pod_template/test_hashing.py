"""Hashes that everybody has seen: of nginx, as `kubectl create deployment` and the documentation make it."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.controllers.pod_template.go_text import go_text
from cloudk8s.controllers.pod_template.hashing import template_hash

CREATED = {
    "1.25": "76d6c9b8c", "1.26": "748c667d99", "1.27": "77b4fdf86c", "1.28": "7854ff8877", "1.29": "7854ff8877",
    "1.30": "bf5d5cf98", "1.31": "676b6c5bbc", "1.32": "5869d7778c", "1.33": "5869d7778c", "1.34": "66686b6766",
}  # fmt: skip
DOCUMENTED = {
    "1.25": "7fb96c846b", "1.28": "86dcfdf4c6", "1.29": "86dcfdf4c6", "1.30": "77d8468669", "1.31": "d556bf558",
    "1.32": "647677fc66", "1.33": "647677fc66", "1.34": "bf744486c",
}  # fmt: skip


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
