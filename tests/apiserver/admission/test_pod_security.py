from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.controlplane.api_server import ApiServerOptions, running_api_server
from cloudk8s.errors import Forbidden
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import Cluster

HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


async def test_a_namespace_without_labels_takes_privileged_pods(cluster: Cluster) -> None:
    await cluster.namespace("open")
    made = await cluster.pod("open", "p", {"hostNetwork": True}, securityContext={"privileged": True})
    assert made["spec"]["hostNetwork"] is True


async def test_baseline_refuses_what_reaches_the_host(cluster: Cluster) -> None:
    await cluster.namespace("base", enforce="baseline")
    with pytest.raises(Forbidden, match=r'violates PodSecurity "baseline:latest": privileged \(container "c" must not'):
        await cluster.pod("base", "p", securityContext={"privileged": True})
    with pytest.raises(Forbidden, match=r"hostPath volumes \(volume \"v\"\)"):
        await cluster.pod("base", "p", {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]})
    await cluster.pod("base", "p")


async def test_restricted_names_every_fault_and_takes_the_hardened_pod(cluster: Cluster) -> None:
    await cluster.namespace("tight", enforce="restricted")
    with pytest.raises(Forbidden) as refused:
        await cluster.pod("tight", "p")
    for fault in ("allowPrivilegeEscalation != false", "unrestricted capabilities", "runAsNonRoot != true", "seccomp"):
        assert fault in str(refused.value)
    await cluster.pod("tight", "p", securityContext=HARDENED)


async def test_workloads_are_warned_about_and_still_made(cluster: Cluster) -> None:
    await cluster.namespace("soft", warn="restricted")
    labels = {"app": "d"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    body = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": labels}, "template": template}}
    await cluster.call("POST", "/apis/apps/v1/namespaces/soft/deployments", body)
    assert any("would violate PodSecurity" in text for text in cluster.warnings)


async def test_tightening_a_namespace_warns_about_the_pods_it_has(cluster: Cluster) -> None:
    await cluster.namespace("later")
    await cluster.pod("later", "p", {"hostPID": True})
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    await cluster.call("PATCH", "/api/v1/namespaces/later", {"metadata": {"labels": labels}})
    assert any("p: host namespaces" in text for text in cluster.warnings)


async def test_what_the_level_for_auditing_forbids_is_in_the_audit_record(tmp_path: Path) -> None:
    policy, log = tmp_path / "policy.yaml", tmp_path / "audit.log"
    policy.write_text("kind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n")
    options = ApiServerOptions(audit_policy=policy, audit_log=str(log))
    settings = ClusterSettings(data_dir=tmp_path / "data", port=0, store="memory://")
    async with running_api_server(settings, options) as server:
        cluster = Cluster(server)
        await cluster.namespace("noted", enforce="baseline", audit="restricted", audit_version="v1.30")
        await cluster.pod("noted", "plain")
        assert cluster.warnings == []
        await cluster.pod("noted", "hardened", securityContext=HARDENED)
        with pytest.raises(Forbidden):
            await cluster.pod("noted", "wild", {"hostNetwork": True})
        labels = {"app": "d"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        body = {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": labels}, "template": template}}
        await cluster.call("POST", "/apis/apps/v1/namespaces/noted/deployments", body)
    events: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    plain, hardened, wild, workload = (event["annotations"] for event in events[-4:])
    prefix, would = "pod-security.kubernetes.io/", 'would violate PodSecurity "restricted:v1.30": '
    assert plain[f"{prefix}enforce-policy"] == wild[f"{prefix}enforce-policy"] == "baseline:latest"
    assert plain[f"{prefix}audit-violations"].startswith(f"{would}allowPrivilegeEscalation != false")
    assert f"{prefix}audit-violations" not in hardened
    assert "host namespaces" in wild[f"{prefix}audit-violations"]
    assert workload[f"{prefix}audit-violations"] == plain[f"{prefix}audit-violations"]
    assert f"{prefix}enforce-policy" not in workload
