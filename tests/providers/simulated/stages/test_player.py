"""Stages as objects go through them."""

from __future__ import annotations

import pytest

from cloudk8s.client.interface import Resource
from cloudk8s.client.objects import condition
from cloudk8s.client.resources import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from tests.providers.simulated.fleet_harness import running_fleet


def stage(name: str, spec: str, *, kind: str = "Pod") -> str:
    head = f"apiVersion: kwok.x-k8s.io/v1alpha1\nkind: Stage\nmetadata: {{name: {name}}}\nspec:\n"
    return f"{head}  resourceRef: {{apiGroup: v1, kind: {kind}}}\n{spec}\n---\n"


READY = stage(
    "ready",
    """
  selector: {matchExpressions: [{key: .status.podIP, operator: DoesNotExist}]}
  delay: {durationMilliseconds: 2000}
  next:
    event: {type: Normal, reason: Started, message: it lives}
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      podIP: {{ PodIPWith .spec.nodeName false .metadata.uid | Quote }}
      hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
      startTime: {{ $now | Quote }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        restartCount: 0
        state: {running: {startedAt: {{ $now | Quote }}}}
      {{ end }}
""",
)
CRASH = stage(
    "crash",
    """
  selector:
    matchAnnotations: {crash: "yes"}
    matchExpressions:
    - {key: '.status.containerStatuses.[].state.running.startedAt', operator: Exists}
  delay: {durationMilliseconds: 5000}
  next:
    statusTemplate: |
      containerStatuses:
      {{ range .status.containerStatuses }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        restartCount: {{ add1 .restartCount }}
        state: {terminated: {exitCode: 137, reason: OOMKilled}}
      {{ end }}
""",
)


async def test_pods_take_their_stages_after_their_delays() -> None:
    async with running_fleet(READY + CRASH) as fleet:
        await fleet.pod(annotations={"crash": "yes"})
        await fleet.pod("calm")
        await fleet.after(1.9)
        assert fleet.phase() == "Pending"
        await fleet.after(0.2)
        pod = fleet.pod_now()
        assert pod is not None
        assert {pod["status"][key] for key in ("phase", "podIP", "hostIP")} == {"Running", "10.128.0.1", "10.64.0.1"}
        assert ("Started", "it lives") in fleet.events()
        await fleet.after(5)
        assert fleet.container()["restartCount"] == 1
        assert fleet.container()["state"]["terminated"]["exitCode"] == 137
        assert "running" in fleet.container("calm")["state"]


async def test_a_choice_stands_whatever_else_changes_meanwhile() -> None:
    async with running_fleet(READY) as fleet:
        await fleet.pod()
        await fleet.after(1.5)
        await fleet.client.patch(PODS, "web", {"metadata": {"labels": {"x": "y"}}}, namespace="d")
        await fleet.after(0.6)
        assert fleet.phase() == "Running"


async def test_a_choice_falls_when_its_stage_no_longer_fits() -> None:
    text = stage(
        "label",
        """
  selector: {matchLabels: {go: "yes"}}
  delay: {durationMilliseconds: 2000}
  next: {statusTemplate: "phase: Running"}
""",
    )
    async with running_fleet(text) as fleet:
        await fleet.pod()
        await fleet.client.patch(PODS, "web", {"metadata": {"labels": {"go": "yes"}}}, namespace="d")
        await fleet.after(1)
        await fleet.client.patch(PODS, "web", {"metadata": {"labels": {"go": "no"}}}, namespace="d")
        await fleet.after(5)
        assert fleet.phase() == "Pending"


async def test_pods_on_other_nodes_and_on_dead_ones_are_left_alone() -> None:
    async with running_fleet(READY) as fleet:
        await fleet.pod(node="elsewhere")
        await fleet.pod("dead")
        down = {"metadata": {"annotations": {"simulated.cloudk8s.io/down": "true"}}}
        await fleet.client.patch(NODES, "sim-0", down)
        await fleet.after(10)
        assert (fleet.phase(), fleet.phase("dead")) == ("Pending", "Pending")
        await fleet.client.patch(NODES, "sim-0", {"metadata": {"annotations": None}})
        await fleet.after(3)
        assert (fleet.phase(), fleet.phase("dead")) == ("Pending", "Running")


async def test_finalizers_and_deletion() -> None:
    text = stage(
        "finalize",
        """
  selector: {matchExpressions: [{key: '.metadata.finalizers.[]', operator: NotIn, values: [x/y]},
                                {key: .metadata.deletionTimestamp, operator: DoesNotExist}]}
  next: {finalizers: {add: [{value: x/y}]}}
""",
    ) + stage(
        "release",
        """
  selector: {matchExpressions: [{key: .metadata.deletionTimestamp, operator: Exists}]}
  delay: {durationMilliseconds: 3000}
  next: {finalizers: {remove: [{value: x/y}]}, delete: true}
""",
    )
    async with running_fleet(text) as fleet:
        await fleet.pod()
        await fleet.after(0.5)
        pod = fleet.pod_now()
        assert pod is not None
        assert pod["metadata"]["finalizers"] == ["x/y"]
        await fleet.client.delete(PODS, "web", namespace="d")
        await fleet.after(2)
        assert fleet.pod_now() is not None
        await fleet.after(2)
        assert fleet.pod_now() is None


async def test_a_stage_may_be_followed_at_once() -> None:
    first = stage(
        "first",
        """
  selector: {matchExpressions: [{key: .status.reason, operator: DoesNotExist}]}
  immediateNextStage: true
  next: {statusTemplate: "reason: First"}
""",
    )
    second = stage(
        "second",
        """
  selector: {matchExpressions: [{key: .status.reason, operator: In, values: [First]}]}
  delay: {durationMilliseconds: 60000}
  next: {statusTemplate: "phase: Running"}
""",
    )
    async with running_fleet(first + second) as fleet:
        await fleet.pod()
        await fleet.after(0.5)
        assert fleet.phase() == "Running"


async def test_nodes_have_stages_too() -> None:
    text = stage(
        "sick",
        """
  selector:
    matchExpressions:
    - {key: '.status.conditions.[] | select(.type == "Ready") | .status', operator: In, values: ["True"]}
    - {key: .metadata.name, operator: In, values: [sim-1]}
  delay: {durationMilliseconds: 10000}
  next:
    statusTemplate: |
      conditions:
      - {type: Ready, status: "False", reason: Sick, lastHeartbeatTime: {{ Now | Quote }}}
""",
        kind="Node",
    )  # fmt: skip
    async with running_fleet(text) as fleet:
        await fleet.after(11)
        assert (condition(fleet.node("sim-1"), "Ready") or {})["reason"] == "Sick"
        assert (condition(fleet.node("sim-0"), "Ready") or {})["reason"] == "KubeletReady"


async def test_objects_of_other_kinds_have_stages_wherever_they_are() -> None:
    text = stage("bind", "  selector: {}\n  next: {statusTemplate: 'phase: Available'}", kind="PersistentVolume")
    async with running_fleet(text) as fleet:
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"}}
        await fleet.client.create(PERSISTENT_VOLUMES, volume)
        await fleet.after(0.5)
        (found,) = fleet.client.all(PERSISTENT_VOLUMES)
        assert found["status"]["phase"] == "Available"


async def test_another_object_may_be_applied_and_expressions_may_be_cel() -> None:
    """As kwok's stages of volumes do it."""
    text = stage(
        "provision",
        """
  selector:
    matchExpressions:
    - cel: {expression: "self.spec.storageClassName == 'kwok-volume'"}
    - cel: {expression: "!has(self.metadata.deletionTimestamp)"}
    - cel: {expression: "!has(self.spec.volumeName)"}
  steps:
  - apply:
      template: |
        apiVersion: v1
        kind: PersistentVolume
        metadata:
          name: pvc-{{ .metadata.name }}
        spec:
          accessModes:
          {{ YAML .spec.accessModes 2 }}
          capacity:
          {{ YAML .spec.resources.requests 2 }}
          claimRef: {kind: {{ .kind | Quote }}, name: {{ .metadata.name | Quote }}}
  - patch: {root: spec, template: "volumeName: pvc-{{ .metadata.name }}"}
  - patch: {root: status, subresource: status, template: "phase: Bound"}
""",
        kind="PersistentVolumeClaim",
    )
    async with running_fleet(text) as fleet:
        for name, of_class in (("data", "kwok-volume"), ("other", "slow")):
            claim = {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
                "spec": {
                    "storageClassName": of_class, "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }  # fmt: skip
            await fleet.client.create(PERSISTENT_VOLUME_CLAIMS, claim)
        await fleet.after(0.5)
        [volume] = fleet.client.all(PERSISTENT_VOLUMES)
        assert volume["metadata"]["name"] == "pvc-data"
        assert volume["spec"]["capacity"] == {"storage": "1Gi"}
        assert volume["spec"]["claimRef"] == {"kind": "PersistentVolumeClaim", "name": "data"}
        phases = {
            claim["metadata"]["name"]: (claim.get("status") or {}).get("phase")
            for claim in fleet.client.all(PERSISTENT_VOLUME_CLAIMS)
        }
        assert phases["data"] == "Bound"
        assert phases["other"] != "Bound"


APPLIED = """
  selector: {matchExpressions: [{key: .status.phase, operator: In, values: [Pending]}]}
  steps:
  - apply: {template: "%s"}
  - patch: {root: status, subresource: status, template: "phase: Running"}
"""


async def test_what_is_applied_needs_a_name(caplog: pytest.LogCaptureFixture) -> None:
    async with running_fleet(stage("nameless", APPLIED % "{apiVersion: v1, kind: PersistentVolume}")) as fleet:
        await fleet.pod()
        await fleet.after(10)
        assert "stage nameless of Pod d/web: an object to apply needs apiVersion, kind and a name" in caplog.messages
        assert fleet.phase() == "Pending"


async def test_a_kind_that_is_not_there_yet_stops_nobody_and_is_looked_for_until_it_is() -> None:
    things = Resource("x.io", "v1", "things", "Thing", namespaced=True)
    thing = "{apiVersion: x.io/v1, kind: Thing, metadata: {name: a-{{ .metadata.name }}}}"
    other = stage("over", "  selector: {}\n  next: {delete: true}\n", kind="PersistentVolume")
    async with running_fleet(stage("make", APPLIED % thing) + other) as fleet:
        for number in range(20):
            await fleet.pod(f"web-{number}")
        await fleet.after(1)
        await fleet.client.create(PERSISTENT_VOLUMES, {"metadata": {"name": "v"}, "spec": {}})
        await fleet.after(1)
        assert fleet.client.all(PERSISTENT_VOLUMES) == []
        fleet.client.resources.append(things)
        await fleet.after(300)
        assert len(fleet.client.all(things, "d")) == 20
        asked = len([action for action in fleet.client.actions if action.name == "/apis"])
        await fleet.pod("web-20")
        await fleet.after(1)
        assert fleet.phase("web-20") == "Running"
        assert len([action for action in fleet.client.actions if action.name == "/apis"]) == asked


async def test_what_the_server_refuses_is_said_once_and_left_until_the_object_changes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = stage(
        "wrong",
        """
  selector: {matchExpressions: [{key: .status.reason, operator: DoesNotExist}]}
  next: {statusTemplate: "reason: {{ unheard }}"}
""",
    )
    async with running_fleet(text) as fleet:
        await fleet.pod()
        await fleet.after(60)
        told = [record.getMessage() for record in caplog.records if "stage wrong" in record.getMessage()]
        assert 1 <= len(told) <= 2
        assert told[0] == 'stage wrong of Pod d/web: function "unheard" is not defined'
        assert fleet.phase() == "Pending"
