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
COMMON = {"apiVersion": str, "kind": str}
RUNTIME = {"nodeRegistration": REGISTRATION, "skipPhases": [str], "dryRun": bool, "patches": {"directory": str}}
FORM: dict[str, Any] = {
    "InitConfiguration": {
        **COMMON, **RUNTIME, "bootstrapTokens": [{"token": str}], "localAPIEndpoint": ENDPOINT, "certificateKey": str,
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


@pytest.mark.parametrize("version", ["1.36.2", "1.31", "1.30.4"])
def test_files_are_of_the_documented_form(version: str) -> None:
    facts = replace(BEGINNING, declaration=FACTS.declaration.model_copy(update={"kubernetes_version": version}))
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    first = method.control_plane(facts, FIRST).decode()
    found = [*documents(first, "/run/kubeadm/init.yaml"), *documents(first, "/run/kubeadm/join.yaml")]
    found += documents(method.worker(facts, WORKER).decode(), "/run/kubeadm/join.yaml")
    assert [entry["kind"] for entry in found] == [
        "ClusterConfiguration", "InitConfiguration", "JoinConfiguration", "JoinConfiguration",
    ]  # fmt: skip
    is_old = version == "1.30.4"
    assert {entry["apiVersion"] for entry in found} == {f"kubeadm.k8s.io/v1beta{3 if is_old else 4}"}
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


def test_tokens_of_machines_may_read_all_that_joining_reads() -> None:
    """Among it kube-proxy's configuration, which upstream lets only tokens of its own group read."""
    method = bootstrap_method(Bootstrap(method="kubeadm"), None)
    rules = documents(method.control_plane(BEGINNING, FIRST).decode(), "/run/kubeadm/rules.yaml")
    roles = {(rule["roleRef"]["kind"], rule["roleRef"]["name"]) for rule in rules}
    assert roles == {
        ("ClusterRole", "system:node-bootstrapper"), ("ClusterRole", "kubeadm:get-nodes"),
        ("Role", "kubeadm:nodes-kubeadm-config"), ("Role", "kubeadm:kubelet-config"), ("Role", "kube-proxy"),
    }  # fmt: skip
    names = [rule["metadata"]["name"] for rule in rules]
    assert len(set(names)) == len(names)
    assert all(rule["subjects"][0]["name"] == "system:bootstrappers:cloudk8s:machines" for rule in rules)
