"""Fields and rules behind feature gates, through the whole server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.local import LocalApi, joined
from cloudk8s.controlplane.api_server import running_api_server
from cloudk8s.errors import AlreadyExists, Invalid, SettingsError
from cloudk8s.machinery import codec
from cloudk8s.settings import ClusterSettings
from tests.apiserver.admission.cluster import ADMIN

PODS = "/api/v1/namespaces/default/pods"
SCALERS = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


@asynccontextmanager
async def served(path: Path, gates: str, version: str = "1.37", *, store: str = "memory://") -> AsyncIterator[LocalApi]:
    if version != "1.37":
        pytest.importorskip("kubernetes_validate", reason="other versions come with the extra `schemas`")
    settings = ClusterSettings(data_dir=path, port=0, store=store, feature_gates=gates, kubernetes_version=version)
    async with running_api_server(settings) as server:
        api = server.assembly.local(ADMIN, agent="test")
        with suppress(AlreadyExists):
            await api.call("POST", "/api/v1/namespaces/default/serviceaccounts", body={"metadata": {"name": "default"}})
        yield api


async def stored(api: LocalApi, path: str, body: dict[str, Any]) -> Any:
    return codec.decode(joined(await api.call("POST", path, body=body)))


def pod() -> dict[str, Any]:
    volume = {"name": "v", "emptyDir": {"mode": 448}}
    mount = {"name": "v", "mountPath": "/v", "bindMountOptions": ["noexec"]}
    container = {"name": "c", "image": "i", "volumeMounts": [mount]}
    return {"metadata": {"name": "a"}, "spec": {"containers": [container], "volumes": [volume]}}


async def test_fields_of_a_feature_that_is_off_are_dropped_without_a_word(tmp_path: Path) -> None:
    async with served(tmp_path, "EmptyDirVolumeMode=true") as api:
        answer = await api.call("POST", PODS, {"fieldValidation": "Strict"}, body=pod())
        spec = codec.decode(joined(answer))["spec"]
        assert spec["volumes"][0]["emptyDir"] == {"mode": 448}
        assert "bindMountOptions" not in spec["containers"][0]["volumeMounts"][0]
        assert not [name for name, _ in answer.headers if name == "Warning"]


async def test_what_a_stored_object_uses_already_is_kept_when_it_is_written_again(tmp_path: Path) -> None:
    """Upstream's `DropDisabledFields`: a gate that was turned off takes nothing from objects that were made before."""
    store = f"sqlite:///{tmp_path}/kept.db"
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    async with served(tmp_path / "on", "EmptyDirVolumeMode=true,VolumeBindMountOptions=true", store=store) as api:
        await stored(api, deployments, {"metadata": {"name": "a"}, "spec": spec})
        await stored(api, deployments, {"metadata": {"name": "plain"}, "spec": spec | {"template": _plain(template)}})
    async with served(tmp_path / "off", "", store=store) as api:
        made = codec.decode(joined(await api.call("GET", f"{deployments}/a")))
        made["spec"]["template"]["spec"]["volumes"].append({"name": "w", "emptyDir": {"mode": 511}})
        written = codec.decode(joined(await api.call("PUT", f"{deployments}/a", body=made)))
        assert [volume["emptyDir"] for volume in written["spec"]["template"]["spec"]["volumes"]] == [
            {"mode": 448}, {"mode": 511},
        ]  # fmt: skip
        for kind in ("merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"):
            is_apply = kind.startswith("apply")
            change = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 3}}
            query = {"fieldManager": "me", "force": "true"} if is_apply else {}
            headers = {"content-type": f"application/{kind}"}
            answer = await api.call("PATCH", f"{deployments}/a", query, body=change, headers=headers)
            containers = codec.decode(joined(answer))["spec"]["template"]["spec"]["containers"]
            assert containers[0]["volumeMounts"][0]["bindMountOptions"] == ["noexec"], kind
        made["metadata"] = {"name": "plain"}
        written = codec.decode(joined(await api.call("PUT", f"{deployments}/plain", body=made)))
        assert "mode" not in str(written["spec"])
        made["metadata"] = {"name": "new"}
        assert "bindMountOptions" not in str((await stored(api, deployments, made))["spec"])


def _plain(template: dict[str, Any]) -> dict[str, Any]:
    return template | {"spec": {"containers": [{"name": "c", "image": "i"}]}}


def scaler(least: int, kind: str = "External") -> dict[str, Any]:
    metric = {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "1"}}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    metrics = [{"type": kind, kind.lower(): metric if kind == "External" else cpu}]
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"minReplicas": least, "maxReplicas": 3, "scaleTargetRef": target, "metrics": metrics}
    return {"metadata": {"name": "web"}, "spec": spec}


async def test_autoscalers_may_scale_to_zero_by_metrics_that_come_from_elsewhere(tmp_path: Path) -> None:
    async with served(tmp_path, "") as api:
        with pytest.raises(Invalid, match="must specify at least one Object or External metric"):
            await stored(api, SCALERS, scaler(0, "Resource"))
        with pytest.raises(Invalid, match="must be greater than or equal to 0"):
            await stored(api, SCALERS, scaler(-1))
        assert (await stored(api, SCALERS, scaler(0)))["spec"]["minReplicas"] == 0


async def test_autoscalers_scale_to_one_at_least_where_the_gate_is_off(tmp_path: Path) -> None:
    async with served(tmp_path, "HPAScaleToZero=false") as api:
        with pytest.raises(Invalid, match=r"spec\.minReplicas: Invalid value: 0: must be greater than or equal to 1"):
            await stored(api, SCALERS, scaler(0))


@pytest.mark.parametrize(("gates", "kept"), [("", False), ("CrossNamespaceVolumeDataSource=true", True)])
async def test_claims_may_be_filled_from_another_namespace(tmp_path: Path, gates: str, kept: bool) -> None:
    source = {"apiGroup": "example.com", "kind": "Backup", "name": "b", "namespace": "other"}
    resources = {"requests": {"storage": "1Gi"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": resources, "dataSourceRef": source}
    async with served(tmp_path, gates) as api:
        made = (await stored(api, CLAIMS, {"metadata": {"name": "a"}, "spec": spec}))["spec"]
        assert made.get("dataSourceRef") == (source if kept else None)
        assert "dataSource" not in made


@pytest.mark.parametrize("gates", ["", "MutablePVNodeAffinity=true"])
async def test_volumes_move_where_the_gate_is_on(tmp_path: Path, gates: str) -> None:
    def affinity(zone: str) -> dict[str, Any]:
        term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}]}
        return {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}

    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "csi": {"driver": "d", "volumeHandle": "h"},
    }
    path, merge = "/api/v1/persistentvolumes", {"content-type": "application/merge-patch+json"}
    async with served(tmp_path, gates) as api:
        await stored(api, path, {"metadata": {"name": "a"}, "spec": spec | affinity("a")})
        change = {"spec": affinity("b")}
        if not gates:
            with pytest.raises(Invalid, match="field is immutable"):
                await api.call("PATCH", f"{path}/a", body=change, headers=merge)
            return
        assert (await api.call("PATCH", f"{path}/a", body=change, headers=merge)).status == 200


async def test_an_older_version_drops_what_it_only_tried_out(tmp_path: Path) -> None:
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
    body = {"metadata": {"name": "a"}, "spec": {"template": template, "podReplacementPolicy": "Failed"}}
    sets = "/apis/apps/v1/namespaces/default/statefulsets"
    labels = {"app": "a"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    stateful = {"selector": {"matchLabels": labels}, "template": pods, "serviceName": "a", "ordinals": {"start": 1}}
    async with served(tmp_path, "JobPodReplacementPolicy=true", "1.28") as api:
        assert (await stored(api, jobs, body))["spec"]["podReplacementPolicy"] == "Failed"
    async with served(tmp_path, "", "1.28") as api:
        made = await stored(api, jobs, body)
        assert "podReplacementPolicy" not in made["spec"]
        assert "f:podReplacementPolicy" not in str(made["metadata"]["managedFields"])
    async with served(tmp_path, "", "1.26") as api:
        spec = (await stored(api, sets, {"metadata": {"name": "a"}, "spec": stateful}))["spec"]
        assert not {"persistentVolumeClaimRetentionPolicy", "ordinals"} & spec.keys()


async def test_a_gate_that_nobody_knows_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="unrecognized feature gate: Nope"):
        async with served(tmp_path, "Nope=true"):
            pass
