"""Clusters of the oldest and the newest version, by the real kubectl."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Cluster, cloudk8s, started

pytestmark = pytest.mark.kubectl

POD = "{metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: i, ports: [{containerPort: 80}]}]}}"
MANIFESTS = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec: {{replicas: 2, selector: {{matchLabels: {{app: a}}}}, template: {POD}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: db}}
spec: {{serviceName: db, selector: {{matchLabels: {{app: a}}}}, template: {POD}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: now-and-then}}
spec:
  schedule: "@yearly"
  jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: c, image: i}}]}}}}}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: a}}, ports: [{{port: 80}}]}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: web}}
spec: {{maxReplicas: 3, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: web}}
spec: {{minAvailable: 1, selector: {{matchLabels: {{app: a}}}}}}
"""


@pytest.fixture(params=["1.25", "1.37"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    pytest.importorskip("kubernetes_validate", reason="other versions come with the extra `schemas`")
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    name = f"v{request.param.replace('.', '-')}"
    options = ("--nodes", "0", "--simulated-nodes", "1", "--kubernetes-version", request.param)
    made = started(tmp_path, name, *options)
    yield made
    cloudk8s(made.environment, "down", "--name", name, "--purge")


def test_a_version_is_served_as_a_whole(cluster: Cluster) -> None:
    kubectl = cluster.kubectl
    version = json.loads(kubectl("version", "-o", "json"))["serverVersion"]
    assert f"v{version['major']}-{version['minor']}" == cluster.name
    created = kubectl("apply", "-f", "-", stdin=MANIFESTS)
    assert created.count(" created\n") == 6
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("rollout", "status", "statefulset/db", "--timeout=30s")
    again = kubectl("apply", "-f", "-", stdin=MANIFESTS)
    assert again.count(" unchanged\n") == 5
    assert "poddisruptionbudget.policy/web configured" in again, (
        "its selector is replaced as a whole, here and upstream"
    )
    assert kubectl("diff", "-f", "-", stdin=MANIFESTS) == ""
    assert kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=MANIFESTS).count("serverside") == 6
    resources = kubectl("api-resources", "--verbs=list", "-o", "name").split()
    assert len(resources) >= 49
    assert ("ipaddresses.networking.k8s.io" in resources) == (cluster.name == "v1-37")
    everything = kubectl("get", ",".join(resources), "-A", "-o", "name")
    assert "pod/db-0" in everything
    for path in ("pods.spec.containers.resources", "deployments.spec.strategy", "job.spec", "hpa.spec.metrics"):
        assert "FIELD" in kubectl("explain", path), path
    kubectl("delete", "-f", "-", "--wait=false", stdin=MANIFESTS)
