"""kubeadm's files have the fields, and types, that its documented API has; unknown ones it would refuse or overlook.

https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cloudk8s.provisioning.bootstrap.catalog import bootstrap_method
from cloudk8s.provisioning.declaration.cluster import Bootstrap
from tests.provisioning.bootstrap.test_other_methods import BEGINNING, FACTS, FIRST, SECOND, WORKER, documents

ARGUMENTS = [{"name": str, "value": str}]
ENDPOINT = {"advertiseAddress": str, "bindPort": int}
TAINT = {"key": str, "value": str, "effect": str}
REGISTRATION = {
    "name": str, "criSocket": str, "taints": [TAINT], "kubeletExtraArgs": ARGUMENTS, "ignorePreflightErrors": [str],
    "imagePullPolicy": str, "imagePullSerial": bool,
}  # fmt: skip
TOKEN = {"token": str, "description": str, "ttl": str, "usages": [str], "groups": [str]}
COMMON = {"apiVersion": str, "kind": str}
RUNTIME = {"nodeRegistration": REGISTRATION, "skipPhases": [str], "dryRun": bool, "patches": {"directory": str}}
FORM: dict[str, Any] = {
    "InitConfiguration": {
        **COMMON, **RUNTIME, "bootstrapTokens": [TOKEN], "localAPIEndpoint": ENDPOINT, "certificateKey": str,
    },
    "ClusterConfiguration": {
        **COMMON, "kubernetesVersion": str, "clusterName": str, "controlPlaneEndpoint": str, "certificatesDir": str,
        "imageRepository": str, "networking": {"serviceSubnet": str, "podSubnet": str, "dnsDomain": str},
        "apiServer": {"certSANs": [str], "extraArgs": ARGUMENTS},
    },
    "JoinConfiguration": {
        **COMMON, **RUNTIME, "caCertPath": str,
        "discovery": {
            "bootstrapToken": {"token": str, "apiServerEndpoint": str, "caCertHashes": [str]}, "tlsBootstrapToken": str,
        },
        "controlPlane": {"localAPIEndpoint": ENDPOINT, "certificateKey": str},
    },
}  # fmt: skip


def strange(value: Any, form: Any, place: str) -> list[str]:
    """What is not of the form."""
    if isinstance(form, dict):
        if not isinstance(value, Mapping):
            return [f"{place} is no object"]
        unknown = [f"{place}.{key} is not known" for key in value if key not in form]
        return unknown + [
            text for key in value if key in form for text in strange(value[key], form[key], f"{place}.{key}")
        ]
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{place} is no list"]
        return [text for item in value for text in strange(item, form[0], f"{place}[]")]
    return [] if type(value) is form else [f"{place} is {value!r}"]


@pytest.mark.parametrize(
    ("version", "form"),
    [("1.36.2", "v1beta4"), ("1.31", "v1beta4"), ("1.30.4", "v1beta3"), ("1.22", "v1beta3"), ("1.20.2", "v1beta2")],
)
def test_files_are_of_the_documented_form(version: str, form: str) -> None:
    facts = replace(BEGINNING, declaration=FACTS.declaration.model_copy(update={"kubernetes_version": version}))
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    first = method.control_plane(facts, FIRST).decode()
    found = [*documents(first, "/run/kubeadm/init.yaml"), *documents(first, "/run/kubeadm/join.yaml")]
    found += documents(method.worker(facts, WORKER).decode(), "/run/kubeadm/join.yaml")
    assert [entry["kind"] for entry in found] == [
        "ClusterConfiguration", "InitConfiguration", "JoinConfiguration", "JoinConfiguration",
    ]  # fmt: skip
    is_old = form != "v1beta4"
    assert {entry["apiVersion"] for entry in found} == {f"kubeadm.k8s.io/{form}"}
    for entry in found:
        registration = entry.get("nodeRegistration", {})
        if is_old and "kubeletExtraArgs" in registration:  # an object, before they could be given twice
            assert registration.pop("kubeletExtraArgs") == {"node-labels": "tier=web"}
        assert strange(entry, FORM[entry["kind"]], entry["kind"]) == []


def test_the_version_is_a_whole_one_and_a_join_can_succeed() -> None:
    """kubeadm wants a patch version, tokens of its form, and a pin for each authority."""
    short = replace(BEGINNING, declaration=FACTS.declaration.model_copy(update={"kubernetes_version": "1.36"}))
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    cluster, _ = documents(method.control_plane(short, FIRST).decode(), "/run/kubeadm/init.yaml")
    assert cluster["kubernetesVersion"] == "v1.36.0"
    (join,) = documents(method.control_plane(FACTS, SECOND).decode(), "/run/kubeadm/join.yaml")
    token = join["discovery"]["bootstrapToken"]
    assert re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token["token"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", token["caCertHashes"][0])
    assert join["controlPlane"] == {"localAPIEndpoint": {"bindPort": 6443}}, "keys are there, so none are fetched"


def test_no_token_is_made_whose_owner_gets_any_certificate() -> None:
    """kubeadm would make one, good for a day, and approve whatever is asked with it."""
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    script = method.control_plane(BEGINNING, FIRST).decode()
    _, init = documents(script, "/run/kubeadm/init.yaml")
    (token,) = init["bootstrapTokens"]
    assert token["groups"] == ["system:bootstrappers:cloudk8s:machines"]
    assert token["ttl"] == "1m0s"
    assert "--skip-token-print" in script


def test_a_control_plane_without_a_load_balancer_is_called_by_its_address() -> None:
    """A machine's name need not be known to others."""
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    script = method.control_plane(replace(BEGINNING, endpoint=""), FIRST).decode()
    cluster, _ = documents(script, "/run/kubeadm/init.yaml")
    assert "controlPlaneEndpoint" not in cluster
    assert "https://127.0.0.1:6443/readyz" in script


def test_checks_may_be_left_out() -> None:
    method = bootstrap_method(Bootstrap(method="kubeadm", options={"ignore": ["NumCPU"]}), None)
    _, init = documents(method.control_plane(BEGINNING, FIRST).decode(), "/run/kubeadm/init.yaml")
    (join,) = documents(method.worker(FACTS, WORKER).decode(), "/run/kubeadm/join.yaml")
    assert [each["nodeRegistration"]["ignorePreflightErrors"] for each in (init, join)] == [["NumCPU"], ["NumCPU"]]


@pytest.mark.parametrize(
    ("version", "role"), [("1.23.1", "kubeadm:kubelet-config-1.23"), ("1.24", "kubeadm:kubelet-config")]
)
def test_rules_name_what_the_version_makes(version: str, role: str) -> None:
    facts = replace(BEGINNING, declaration=FACTS.declaration.model_copy(update={"kubernetes_version": version}))
    script = bootstrap_method(Bootstrap(method="kubeadm"), None).control_plane(facts, FIRST).decode()
    assert role in {rule["roleRef"]["name"] for rule in documents(script, "/run/kubeadm/rules.yaml")}


def test_tokens_of_machines_may_read_all_that_joining_reads() -> None:
    """Among it kube-proxy's configuration, which upstream lets only tokens of its own group read."""
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    rules = documents(method.control_plane(BEGINNING, FIRST).decode(), "/run/kubeadm/rules.yaml")
    whose = "system:bootstrappers:cloudk8s:machines"
    mine = [rule for rule in rules if rule["subjects"][0]["name"] == whose]
    roles = {(rule["roleRef"]["kind"], rule["roleRef"]["name"]) for rule in mine}
    assert roles == {
        ("ClusterRole", "system:node-bootstrapper"), ("ClusterRole", "kubeadm:get-nodes"),
        ("Role", "kubeadm:nodes-kubeadm-config"), ("Role", "kubeadm:kubelet-config"), ("Role", "kube-proxy"),
    }  # fmt: skip
    names = [rule["metadata"]["name"] for rule in rules]
    assert len(set(names)) == len(names)
    (other,) = [rule for rule in rules if rule not in mine]
    assert other["metadata"]["name"] == other["subjects"][0]["name"] == "kubeadm:cluster-admins"
