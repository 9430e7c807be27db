"""What operators do all day, by the real kubectl: roll out, autoscale, drain, cordon, taint, and look at usage."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import Kubectl

pytestmark = pytest.mark.kubectl


class Shop:
    """A Deployment `web` in a namespace of its own."""

    def __init__(self, kubectl: Kubectl, namespace: str, replicas: int = 3) -> None:
        self.kubectl, self.namespace = kubectl, namespace
        self("create", "deployment", "web", "--image=nginx:1", f"--replicas={replicas}")
        self.settle()

    def __call__(self, *arguments: str, check: bool = True, stdin: str = "") -> str:
        return self.kubectl(*arguments, "-n", self.namespace, check=check, stdin=stdin)

    def settle(self) -> str:
        return self("rollout", "status", "deployment/web", "--timeout=60s")

    def image(self) -> str:
        return self("get", "deployment/web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")

    def pods(self) -> dict[str, str]:
        """Nodes by the names of pods that are not going."""
        items = json.loads(self("get", "pods", "-o", "json"))["items"]
        kept = [item for item in items if "deletionTimestamp" not in item["metadata"]]
        return {item["metadata"]["name"]: item["spec"].get("nodeName", "") for item in kept}


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Look twice a second until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.5)


def test_a_rollout_is_told_step_by_step_and_remembered(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace)
    assert shop.settle() == 'deployment "web" successfully rolled out\n'
    assert shop("set", "image", "deployment/web", "nginx=nginx:2") == "deployment.apps/web image updated\n"
    shop("annotate", "deployment/web", "kubernetes.io/change-cause=a newer nginx")
    told = shop.settle()
    assert told.endswith('deployment "web" successfully rolled out\n')
    for line in told.splitlines()[:-1]:
        assert line.startswith('Waiting for deployment "web" rollout to finish: ') or "spec update" in line
    history = shop("rollout", "history", "deployment/web")
    assert history == ("deployment.apps/web \nREVISION  CHANGE-CAUSE\n1         <none>\n2         a newer nginx\n\n")
    detail = shop("rollout", "history", "deployment/web", "--revision=1")
    assert detail.startswith("deployment.apps/web with revision #1\nPod Template:\n")
    assert re.search(r"Image:\s+nginx:1\n", detail)


def test_a_rollout_is_undone(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace)
    for version in (2, 3):
        shop("set", "image", "deployment/web", f"nginx=nginx:{version}")
        shop.settle()
    assert shop("rollout", "undo", "deployment/web") == "deployment.apps/web rolled back\n"
    shop.settle()
    assert shop.image() == "nginx:2"
    shop("rollout", "undo", "deployment/web", "--to-revision=1")
    shop.settle()
    assert shop.image() == "nginx:1"
    revisions = [line.split()[0] for line in shop("rollout", "history", "deployment/web").splitlines()[2:] if line]
    assert revisions == ["3", "4", "5"]
    refused = shop("rollout", "undo", "deployment/web", "--to-revision=99", check=False)
    assert refused == "error: unable to find specified revision 99 in history\n"


def test_a_paused_rollout_waits(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace)
    shop("set", "image", "deployment/web", "nginx=nginx:2")
    shop.settle()
    until(lambda: len(shop.pods()) == 3)
    before = shop.pods()
    assert shop("rollout", "pause", "deployment/web") == "deployment.apps/web paused\n"
    assert "already paused" in shop("rollout", "pause", "deployment/web", check=False)
    shop("set", "image", "deployment/web", "nginx=nginx:3")
    undone = shop("rollout", "undo", "deployment/web", check=False)
    assert "resume it first" in undone
    condition = "{.status.conditions[?(@.type=='Progressing')].reason}"
    shop("wait", "deployment/web", f"--for=jsonpath={condition}=DeploymentPaused", "--timeout=30s")
    assert shop.pods() == before
    assert shop("rollout", "resume", "deployment/web") == "deployment.apps/web resumed\n"
    shop.settle()
    assert not before.keys() & shop.pods().keys()


def test_a_restart_replaces_every_pod(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace)
    before = shop.pods()
    assert shop("rollout", "restart", "deployment/web") == "deployment.apps/web restarted\n"
    shop.settle()
    assert len(shop.pods()) == 3
    assert not before.keys() & shop.pods().keys()
    annotations = json.loads(shop("get", "deployment/web", "-o", "json"))["spec"]["template"]["metadata"]["annotations"]
    assert set(annotations) == {"kubectl.kubernetes.io/restartedAt"}


def test_sets_roll_out_and_back_too(kubectl: Kubectl, namespace: str) -> None:
    for kind, extra in (("DaemonSet", {}), ("StatefulSet", {"replicas": 2, "serviceName": "set"})):
        template = {"metadata": {"labels": {"app": "set"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
        spec = {"selector": {"matchLabels": {"app": "set"}}, "template": template, **extra}
        made = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "set"}, "spec": spec}
        kubectl("create", "-f", "-", "-n", namespace, stdin=json.dumps(made))
        place = f"{kind.lower()}/set"
        for version in (1, 2):
            kubectl("set", "image", place, f"c=i:{version}", "-n", namespace)
            told = kubectl("rollout", "status", place, "-n", namespace, "--timeout=60s")
            done = "successfully rolled out" if kind == "DaemonSet" else "partitioned roll out complete"
            assert done in told
        assert kubectl("rollout", "undo", place, "-n", namespace) == f"{kind.lower()}.apps/set rolled back\n"
        kubectl("rollout", "status", place, "-n", namespace, "--timeout=60s")
        image = kubectl("get", place, "-n", namespace, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
        assert image == "i:1"
        kubectl("delete", place, "-n", namespace)


def test_describe_tells_what_controllers_did(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=2)
    shop("scale", "deployment/web", "--replicas=3")
    shop.settle()
    told = shop("describe", "deployment/web")
    assert re.search(r"\n  Available +True +MinimumReplicasAvailable\n", told)
    assert re.search(r"\n  Progressing +True +NewReplicaSetAvailable\n", told)
    assert re.search(r"\nNewReplicaSet: +web-\w+ \(3/3 replicas created\)\n", told)
    for sizes in ("0 to 2", "2 to 3"):
        assert re.search(
            rf"Normal +ScalingReplicaSet .* deployment-controller +Scaled up replica set \S+ from {sizes}\n", told
        )
    (name, *_) = shop.pods()
    made = shop("describe", "replicaset")
    assert re.search(rf"Normal +SuccessfulCreate .* replicaset-controller +Created pod: {name}\n", made)
    arrival = r"Normal +RegisteredNode .* node-controller +Node sim-0 event: Registered Node sim-0 in Controller\n"
    until(lambda: re.search(arrival, kubectl("describe", "node", "sim-0")) is not None, seconds=20)
    shop("create", "job", "work", "--image=busybox")
    shop("wait", "--for=condition=complete", "job/work", "--timeout=60s")
    done = shop("describe", "job/work")
    assert re.search(r"Normal +Completed .* job-controller +Job completed\n", done)
    assert re.search(r"\nPods Statuses: +0 Active \(0 Ready\) / 1 Succeeded / 0 Failed\n", done)


def test_a_size_is_changed_only_from_the_expected_one(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=1)
    assert shop("scale", "deployment/web", "--replicas=4", "--current-replicas=1") == "deployment.apps/web scaled\n"
    shop.settle()
    refused = shop("scale", "deployment/web", "--replicas=2", "--current-replicas=1", check=False)
    assert refused == "error: Expected replicas to be 1, was 4\n"
    assert len(shop.pods()) == 4


def test_cordon_keeps_new_pods_away_and_says_so_twice(kubectl: Kubectl, namespace: str) -> None:
    try:
        assert kubectl("cordon", "sim-0") == "node/sim-0 cordoned\n"
        assert kubectl("cordon", "sim-0") == "node/sim-0 already cordoned\n"
        assert kubectl("get", "node", "sim-0", "--no-headers").split()[1] == "Ready,SchedulingDisabled"
        shop = Shop(kubectl, namespace, replicas=6)
        assert set(shop.pods().values()) == {"sim-1", "sim-2"}
    finally:
        assert kubectl("uncordon", "sim-0") == "node/sim-0 uncordoned\n"


def test_drain_asks_before_it_breaks_things_and_heeds_budgets(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=6)
    shop("run", "lonely", "--image=nginx", "--overrides", '{"spec":{"nodeName":"sim-1"}}')
    shop("wait", "pod/lonely", "--for=condition=Ready", "--timeout=30s")
    shop("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=5")
    try:
        refused = kubectl("drain", "sim-1", "--ignore-daemonsets", check=False)
        assert f"cannot delete Pods that declare no controller (use --force to override): {namespace}/lonely" in refused
        told = kubectl("drain", "sim-1", "--ignore-daemonsets", "--force", "--timeout=60s")
        assert told.startswith("node/sim-1 already cordoned\n")
        assert f"evicting pod {namespace}/lonely\n" in told
        assert told.endswith("node/sim-1 drained\n")
        shop.settle()
        assert set(shop.pods().values()) == {"sim-0", "sim-2"}
        assert "lonely" not in shop.pods()
    finally:
        kubectl("uncordon", "sim-1")


def test_taints_keep_away_and_drive_away(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=6)
    assert set(shop.pods().values()) == {"sim-0", "sim-1", "sim-2"}
    try:
        assert kubectl("taint", "nodes", "sim-2", "tired=yes:NoExecute") == "node/sim-2 tainted\n"
        until(lambda: set(shop.pods().values()) == {"sim-0", "sim-1"} and len(shop.pods()) == 6)
        shop.settle()
        assert "already has tired taint(s)" in kubectl("taint", "nodes", "sim-2", "tired=no:NoExecute", check=False)
        assert kubectl("taint", "nodes", "sim-2", "tired=no:NoSchedule", "--overwrite") == "node/sim-2 modified\n"
    finally:
        assert kubectl("taint", "nodes", "sim-2", "tired-") == "node/sim-2 untainted\n"


def test_top_tells_what_nodes_and_pods_use(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=2)
    usage = ("simulated.cloudk8s.io/usage-cpu=250m", "simulated.cloudk8s.io/usage-memory=64Mi")
    shop("annotate", "pods", "-l", "app=web", *usage)
    until(lambda: len(shop("top", "pods", "--no-headers", check=False).splitlines()) == 2)
    head, *rows = shop("top", "pods", "-l", "app=web").splitlines()
    assert head.split() == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert [row.split()[1:] for row in rows] == [["250m", "64Mi"]] * 2
    assert {row.split()[0] for row in rows} == shop.pods().keys()
    containers = shop("top", "pods", "--containers", "--no-headers").splitlines()
    assert [row.split()[1] for row in containers] == ["nginx", "nginx"]
    assert shop("top", "pods", "--sum").splitlines()[-1].split() == ["500m", "128Mi"]
    everywhere = kubectl("top", "pods", "-A", "--no-headers", "--sort-by=cpu")
    assert namespace in everywhere
    (name, *_) = shop.pods()
    assert shop("top", "pod", name, "--no-headers").split() == [name, "250m", "64Mi"]
    assert shop("top", "pod", "nope", check=False) == 'Error from server (NotFound): pods "nope" not found\n'
    head, *rows = kubectl("top", "nodes").splitlines()
    assert re.sub(r"[()]", "", head).split() == ["NAME", "CPUcores", "CPU%", "MEMORYbytes", "MEMORY%"]
    assert [row.split()[0] for row in rows] == ["sim-0", "sim-1", "sim-2"]
    assert all(re.fullmatch(r"\S+\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%\s*", row) for row in rows)
    table = shop("get", "pods.metrics.k8s.io", "--no-headers").splitlines()
    assert [row.split()[1:3] for row in table] == [["250m", "64Mi"]] * 2
    assert shop("auth", "can-i", "list", "pods.metrics.k8s.io", "--as=nobody", check=False) == "no\n"


@pytest.mark.slow
def test_an_autoscaler_answers_a_load(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=1)
    shop("set", "resources", "deployment/web", "--requests=cpu=100m")
    shop("annotate", "deployment/web", "simulated.cloudk8s.io/load-cpu=200m")
    shop.settle()
    said = shop("autoscale", "deployment/web", "--cpu-percent=50", "--min=1", "--max=8")
    assert said == "horizontalpodautoscaler.autoscaling/web autoscaled\n"
    until(lambda: len(shop.pods()) == 4, seconds=90)
    shop.settle()
    until(lambda: "cpu: 50%/50%" in shop("get", "hpa", "web"), seconds=60)
    row = shop("get", "hpa", "web", "--no-headers").split()
    assert row[:2] == ["web", "Deployment/web"]
    assert row[4:7] == ["1", "8", "4"]
    described = shop("describe", "hpa", "web")
    assert re.search(r"resource cpu on pods\s+\(as a percentage of request\):\s+50% \(50m\) / 50%\n", described)
    assert re.search(r"ScalingActive\s+True\s+ValidMetricFound\s+the HPA was able to successfully", described)
    assert re.search(r"SuccessfulRescale\s.*New size: 4; reason: cpu resource utilization .* above target\n", described)


def test_autoscalers_answer_metrics_of_pods_objects_and_the_world_outside(kubectl: Kubectl, namespace: str) -> None:
    shop = Shop(kubectl, namespace, replicas=1)
    shop("expose", "deployment/web", "--port=80")
    service = {"apiVersion": "v1", "kind": "Service", "name": "web"}
    value, average = {"type": "Value", "value": "10"}, {"type": "AverageValue", "averageValue": "10"}
    metrics = [
        {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": average}},
        {"type": "Object", "object": {"describedObject": service, "metric": {"name": "errors"}, "target": value}},
        {"type": "External", "external": {"metric": {"name": "queue"}, "target": average}},
    ]
    shop("annotate", "deployment/web", "custom-load.simulated.cloudk8s.io/hits=20")
    shop("annotate", "service/web", "custom-metrics.simulated.cloudk8s.io/errors=5")
    kubectl("annotate", "namespace", namespace, "external-metrics.simulated.cloudk8s.io/queue=30")
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 8, "metrics": metrics}
    hpa = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec}
    shop("create", "-f", "-", stdin=json.dumps(hpa))
    until(lambda: len(shop.pods()) == 3, seconds=90)
    shop.settle()
    until(lambda: "6667m/10, 5/10 + 1 more..." in shop("get", "hpa", "web"), seconds=60)
    events = shop("get", "events", "--field-selector", "reason=SuccessfulRescale", "-o", "jsonpath={.items[*].message}")
    assert events == "New size: 3; reason: external metric queue(nil) above target"
    raw = kubectl("get", "--raw", f"/apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}/services/web/errors")
    assert json.loads(raw)["items"][0]["value"] == "5"
