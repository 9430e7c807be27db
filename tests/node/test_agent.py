"""Pods on a node, end to end: real processes, an API server in memory."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import CORE_EVENTS, LEASES, NODES, PODS
from cloudk8s.node.pods import sync
from cloudk8s.node.runtimes.interface import Resources, RuntimeFailure
from cloudk8s.testing.fake_client import FakeClient

from .conftest import Node, condition, container


async def test_the_node_registers_with_its_resources_and_says_what_isolation_is_missing(node: Node) -> None:
    found = node.client.peek(NODES, "n1")

    assert found is not None
    assert found["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("cloudk8s-host://")
    assert int(found["status"]["capacity"]["cpu"]) >= 1
    assert condition(found, "Ready")["status"] == "True"
    assert "mount namespaces" in condition(found, "IsolationComplete")["message"]
    assert "mount namespaces" in found["metadata"]["annotations"]["cloudk8s.dev/missing-isolation"]


async def test_the_node_tells_what_happens_to_it(node: Node) -> None:
    await node.agent._events.flush()
    found = [event for event in node.client.all(CORE_EVENTS) if event["involvedObject"]["kind"] == "Node"]
    assert {"Starting", "NodeHasSufficientMemory", "NodeReady"} <= {event["reason"] for event in found}
    assert "Node n1 status is now: NodeReady" in [event["message"] for event in found]


async def test_a_pod_runs_and_is_ready(node: Node) -> None:
    await node.run_pod()

    pod = await node.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")

    status = pod["status"]
    assert status["phase"] == "Running"
    assert (status["hostIP"], status["podIP"]) == ("127.0.0.1", "127.0.0.1")
    (shown,) = status["containerStatuses"]
    assert shown["ready"] is True
    assert shown["started"] is True
    assert shown["containerID"].startswith("cloudk8s-host://")
    assert "running" in shown["state"]
    kinds = [each["type"] for each in status["conditions"]]
    assert kinds == ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]


async def test_events_tell_pulled_created_started(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")
    await node.agent._events.flush()

    found = (await node.client.list(CORE_EVENTS, namespace="default")).items
    events = [event for event in found if event["involvedObject"]["kind"] == "Pod"]

    told = [(event["reason"], event["involvedObject"]["fieldPath"]) for event in events]
    assert told == [(reason, "spec.containers{c}") for reason in ("Pulled", "Created", "Started")]
    assert events[0]["source"] == {"component": "kubelet", "host": "n1"}


async def test_a_finished_pod_succeeds_and_keeps_its_log(node: Node) -> None:
    await node.run_pod(restartPolicy="Never", containers=[container("echo hello")])

    pod = await node.until_phase("p", "Succeeded")

    assert node.log(pod) == "hello"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert condition(pod, "Ready")["reason"] == "PodCompleted"


async def test_a_failed_pod_shows_its_exit_code(node: Node) -> None:
    await node.run_pod(restartPolicy="Never", containers=[container("exit 3")])

    pod = await node.until_phase("p", "Failed")

    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")


async def test_a_crashing_container_is_restarted_once_and_then_waits(node: Node) -> None:
    await node.run_pod(containers=[container("exit 1")])

    pod = await node.until("p", lambda pod: "CrashLoopBackOff" in str(pod.get("status")))

    (shown,) = pod["status"]["containerStatuses"]
    assert shown["restartCount"] == 1
    assert shown["lastState"]["terminated"]["exitCode"] == 1
    uid = pod["metadata"]["uid"]
    message = f"back-off 10s restarting failed container=c pod=p_default({uid})"
    assert shown["state"]["waiting"]["message"] == message
    assert pod["status"]["phase"] == "Running"


async def test_init_containers_run_one_after_another_before_the_others(node: Node, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    await node.run_pod(
        restartPolicy="Never",
        initContainers=[container(f"echo {name} >> {trace}", name=name) for name in ("one", "two")],
        containers=[container(f"echo main >> {trace}")],
    )

    pod = await node.until_phase("p", "Succeeded")

    assert trace.read_text().split() == ["one", "two", "main"]
    assert [each["ready"] for each in pod["status"]["initContainerStatuses"]] == [True, True]


async def test_a_failing_init_container_fails_a_pod_that_never_restarts(node: Node) -> None:
    await node.run_pod(restartPolicy="Never", initContainers=[container("exit 1", name="init")])

    pod = await node.until_phase("p", "Failed")

    assert condition(pod, "Initialized")["message"] == "containers with incomplete status: [init]"
    assert pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"


async def test_starts_are_counted_whether_they_succeed_or_not(node: Node) -> None:
    broken = container("true", name="broken") | {"image": "nowhere.invalid/nothing:1"}
    await node.run_pod(containers=[container("sleep 300"), broken])
    await node.until("p", lambda pod: "Pull" in str(pod.get("status", {}).get("containerStatuses")))
    await node.run_pod("odd", runtimeClassName="missing")
    counts = node.agent._counts
    async with asyncio.timeout(10):
        while not counts.failed_pods or not counts.failed_containers:
            await asyncio.sleep(0.01)
    assert 0 <= counts.started_pods - 1 - counts.failed_pods <= 1, "one may be under way"
    assert 0 <= counts.started_containers["container"] - 1 - counts.failed_containers.total() <= 1
    assert {kind for kind, _ in counts.failed_containers} == {"container"}


async def test_an_unknown_image_shows_why_the_pod_waits(node: Node) -> None:
    await node.run_pod(containers=[{"name": "c", "image": "registry.invalid/none:1"}])

    pod = await node.until(
        "p", lambda pod: "Pull" in str(pod.get("status", {}).get("containerStatuses", [{}])[0].get("state", {}))
    )

    assert pod["status"]["phase"] == "Pending"
    reason = pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
    assert reason in ("ErrImagePull", "ImagePullBackOff")


async def test_deletion_ends_the_process_gracefully_and_then_the_pod_is_gone(node: Node, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"trap 'echo bye > {mark}; exit 0' TERM; echo ready > {mark}; while :; do sleep 0.05; done"
    pod = await node.run_pod(terminationGracePeriodSeconds=20, containers=[container(script)])
    await node.until("p", lambda _: mark.exists() and mark.read_text())

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert mark.read_text() == "bye\n"
    assert not (node.settings.pods_dir / pod["metadata"]["uid"]).exists()


async def test_pre_stop_runs_before_the_signal(node: Node, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    script = f"trap 'echo term >> {trace}; exit 0' TERM; while :; do sleep 0.05; done"
    hook = {"preStop": {"exec": {"command": ["sh", "-c", f"echo stop >> {trace}"]}}}
    await node.run_pod(terminationGracePeriodSeconds=20, containers=[container(script, lifecycle=hook)])
    await node.until_phase("p", "Running")

    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")

    assert trace.read_text().split() == ["stop", "term"]


async def test_a_force_deleted_pod_is_killed(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")

    await node.client.delete(PODS, "p", namespace="default", options=DeleteOptions(grace_period_seconds=0))

    await node.until_gone("p")
    while await node.runtime.list_containers():
        await asyncio.sleep(0.01)


async def test_a_configuration_reaches_environment_and_volume(node: Node) -> None:
    node.client.add(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm", "namespace": "default"},
         "data": {"colour": "blue"}}
    )  # fmt: skip
    await node.run_pod(
        restartPolicy="Never",
        volumes=[{"name": "v", "configMap": {"name": "cm"}}],
        containers=[
            container(
                "echo $COLOUR $ALSO $POD",
                env=[
                    {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "cm", "key": "colour"}}},
                    {"name": "ALSO", "value": "very $(COLOUR)"},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                volumeMounts=[{"name": "v", "mountPath": "/etc/v"}],
            )
        ],
    )

    pod = await node.until_phase("p", "Succeeded")

    assert node.log(pod) == "blue very blue p"


async def test_a_missing_configuration_is_waited_for(node: Node) -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    await node.run_pod(restartPolicy="Never", containers=[container("echo $X", env=env)])
    pod = await node.until(
        "p", lambda pod: "CreateContainerConfigError" in str(pod.get("status", {}).get("containerStatuses"))
    )
    waiting = pod["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["message"] == 'secret "s" not found'

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}}
    node.client.add(secret | {"data": {"k": "c2hoaA=="}})

    assert node.log(await node.until_phase("p", "Succeeded")) == "shhh"


async def test_readiness_follows_its_probe(node: Node, tmp_path: Path) -> None:
    probe = {"exec": {"command": ["test", "-e", str(tmp_path / "ok")]}, "periodSeconds": 1}
    await node.run_pod(containers=[container("sleep 300", readinessProbe=probe)])
    pod = await node.until_phase("p", "Running")
    assert condition(pod, "Ready")["message"] == "containers with unready status: [c]"

    (tmp_path / "ok").touch()

    pod = await node.until("p", lambda pod: condition(pod, "Ready")["status"] == "True")
    assert not condition(pod, "Ready").get("message")


async def test_answers_of_probes_are_counted_for_as_long_as_the_pod_is_there(node: Node) -> None:
    probe = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    pod = await node.run_pod(containers=[container("sleep 300", readinessProbe=probe)])
    await node.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")
    counts = node.agent._counts
    row = counts.probe_families()[0].rows[-1]
    assert row.value >= 1
    assert row.labels == {
        "container": "c", "namespace": "default", "pod": "p", "pod_uid": pod["metadata"]["uid"],
        "probe_type": "Readiness", "result": "successful",
    }  # fmt: skip
    await node.client.delete(PODS, "p", namespace="default")
    await node.until_gone("p")
    async with asyncio.timeout(5):
        while counts.probe_families()[0].rows:
            await asyncio.sleep(0.01)


async def test_a_failed_liveness_probe_restarts_the_container(node: Node, tmp_path: Path) -> None:
    ok = tmp_path / "ok"
    probe = {"exec": {"command": ["test", "-e", str(ok)]}, "periodSeconds": 1, "failureThreshold": 1}
    await node.run_pod(
        containers=[container(f"touch {ok}; sleep 300", livenessProbe=probe | {"initialDelaySeconds": 1})]
    )
    await node.until_phase("p", "Running")
    while not ok.exists():
        await asyncio.sleep(0.01)

    ok.unlink()

    pod = await node.until("p", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] in (137, 143)


async def test_a_deadline_fails_the_pod(node: Node) -> None:
    await node.run_pod(activeDeadlineSeconds=1)

    pod = await node.until_phase("p", "Failed")

    assert pod["status"]["reason"] == "DeadlineExceeded"


async def test_a_sidecar_starts_first_and_ends_with_the_pod(node: Node) -> None:
    await node.run_pod(
        restartPolicy="Never",
        initContainers=[
            container("trap 'exit 0' TERM; while :; do sleep 0.05; done", name="side", restartPolicy="Always")
        ],
        containers=[container("echo done")],
    )

    pod = await node.until_phase("p", "Succeeded")

    assert "terminated" in pod["status"]["initContainerStatuses"][0]["state"]


async def test_a_restarted_agent_adopts_running_pods(node: Node, tmp_path: Path) -> None:
    await node.run_pod()
    before = await node.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")
    await node.stop()

    again = Node(node.settings.root_dir, node.client)
    await again.start()
    await again.agent._reporter.report()
    pod = await again.until("p", lambda pod: condition(pod, "Ready").get("status") == "True")

    assert pod["status"]["containerStatuses"] == before["status"]["containerStatuses"]
    await again.client.delete(PODS, "p", namespace="default")
    await again.until_gone("p")
    await again.stop()
    await node.start()


async def test_what_is_left_of_pods_that_vanished_is_cleared_away(node: Node) -> None:
    await node.run_pod()
    await node.until_phase("p", "Running")
    await node.stop()

    again = Node(node.settings.root_dir, FakeClient())
    await again.start()

    assert await again.runtime.list_sandboxes() == []
    assert list(again.settings.pods_dir.iterdir()) == []
    await again.stop()
    await node.start()


async def test_the_lease_is_renewed(node: Node) -> None:
    lease = None
    while lease is None:
        await asyncio.sleep(0.01)
        lease = node.client.peek(LEASES, "n1", "kube-node-lease")

    assert lease["spec"]["holderIdentity"] == "n1"
    assert lease["metadata"]["ownerReferences"][0]["kind"] == "Node"


async def test_resources_change_in_place_where_there_is_room(node: Node) -> None:
    sized = container("sleep 300", resources={"requests": {"cpu": "100m"}, "limits": {"cpu": "200m", "memory": "64Mi"}})
    pod = await node.run_pod(containers=[sized])
    pod = await node.until_phase("p", "Running")
    first = pod["status"]["containerStatuses"][0]
    assert first["allocatedResources"] == {"cpu": "100m"}

    await resize(node, {"requests": {"cpu": "150m"}, "limits": {"cpu": "300m", "memory": "64Mi"}})
    pod = await node.until(
        "p", lambda pod: pod["status"]["containerStatuses"][0]["allocatedResources"] == {"cpu": "150m"}
    )
    pod = await node.until("p", lambda pod: not condition(pod, "PodResizeInProgress"))

    (running,) = await node.runtime.list_containers()
    assert running.resources is not None
    assert running.resources.cpu_quota == 30_000
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0

    await resize(node, {"requests": {"cpu": "5000"}, "limits": {"cpu": "5000", "memory": "64Mi"}})
    pod = await node.until("p", lambda pod: condition(pod, "PodResizePending"))
    assert condition(pod, "PodResizePending")["reason"] == "Infeasible"
    assert pod["status"]["containerStatuses"][0]["allocatedResources"] == {"cpu": "150m"}


async def test_a_resize_that_fails_says_why_and_is_tried_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "RESIZE_RETRY", timedelta(seconds=0.3))
    works, tries = node.runtime.update_resources, list[str]()

    async def fail_first(container_id: str, resources: Resources) -> None:
        tries.append(container_id)
        if len(tries) == 1:
            raise RuntimeFailure("attempting to set memory limit (1) below current usage (2)")
        await works(container_id, resources)

    monkeypatch.setattr(node.runtime, "update_resources", fail_first)
    await node.run_pod(containers=[container("sleep 300", resources={"limits": {"cpu": "200m", "memory": "64Mi"}})])
    await node.until_phase("p", "Running")

    await resize(node, {"limits": {"cpu": "200m", "memory": "32Mi"}})

    pod = await node.until("p", lambda pod: condition(pod, "PodResizeInProgress").get("reason"))
    told = condition(pod, "PodResizeInProgress")
    assert (told["reason"], "below current usage" in told["message"]) == ("Error", True)
    assert limits_of(pod)["memory"] == "64Mi", "which is in force"
    await node.until("p", lambda pod: not condition(pod, "PodResizeInProgress"))
    assert len(tries) == 2
    await node.until("p", lambda pod: limits_of(pod)["memory"] == "32Mi")
    said = {"ResizeStarted", "ResizeError", "ResizeCompleted"}
    async with asyncio.timeout(10):
        while not said <= {event["reason"] for event in node.client.all(CORE_EVENTS)}:
            await asyncio.sleep(0.02)


async def test_the_pod_is_resized_before_its_containers_and_after(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container cannot grow in a pod that has not, nor a pod shrink below containers that have not."""
    order: list[tuple[str, int]] = []

    async def note(identifier: str, resources: Resources) -> None:
        is_pod = any(identifier == each.id for each in await node.runtime.list_sandboxes())
        order.append(("pod" if is_pod else "container", resources.memory_limit >> 20))
        if not is_pod:
            await works(identifier, resources)

    works = node.runtime.update_resources
    await node.run_pod(containers=[container("sleep 300", resources={"limits": {"cpu": "200m", "memory": "64Mi"}})])
    await node.until_phase("p", "Running")
    monkeypatch.setattr(node.runtime, "update_resources", note)
    monkeypatch.setattr(node.runtime, "update_sandbox", note)

    await resize(node, {"limits": {"cpu": "200m", "memory": "32Mi"}})
    await node.until("p", lambda pod: "32Mi" in str(pod["status"]["containerStatuses"][0].get("resources")))

    assert order[:3] == [("pod", 32), ("container", 32), ("pod", 32)]


def limits_of(pod: Object) -> dict[str, str]:
    return dict(pod["status"]["containerStatuses"][0]["resources"]["limits"])


async def resize(node: Node, resources: dict[str, object]) -> None:
    patch = {"spec": {"containers": [{"name": "c", "resources": resources}]}}
    await node.client.patch(PODS, "p", patch, namespace="default", type="strategic")


async def test_a_runtime_class_chooses_the_handler(node: Node) -> None:
    kind = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass"}
    node.client.add({**kind, "metadata": {"name": "own"}, "handler": "host"})
    node.client.add({**kind, "metadata": {"name": "sandboxed"}, "handler": "gvisor"})

    await node.run_pod("good", runtimeClassName="own")
    await node.run_pod("bad", runtimeClassName="sandboxed")
    await node.run_pod("worse", runtimeClassName="nowhere")

    await node.until_phase("good", "Running")
    assert {sandbox.handler for sandbox in await node.runtime.list_sandboxes()} == {"host"}
    words = (
        'Failed to create pod sandbox: failed to get sandbox runtime: no runtime for "gvisor" is configured',
        'Failed to create pod sandbox: failed to get sandbox runtime: RuntimeClass "nowhere" not found',
    )
    async with asyncio.timeout(10):
        while not set(words) <= {event["message"] for event in node.client.all(CORE_EVENTS)}:
            await asyncio.sleep(0.02)


async def test_a_container_starts_with_what_an_earlier_one_wrote(node: Node) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    origin = {"fileKeyRef": {"volumeName": "v", "path": "sub/env", "key": "WORD"}}
    pod = await node.run_pod(
        volumes=[{"name": "v", "emptyDir": {}}],
        initContainers=[container("echo hello", name="init", volumeMounts=mounts)],
        containers=[container("echo $WORD", env=[{"name": "WORD", "valueFrom": origin}])],
    )
    waits = await node.until("p", lambda pod: "CreateContainerConfigError" in str(pod.get("status")))
    assert waits["status"]["phase"] == "Pending"
    place = node.settings.pods_dir / pod["metadata"]["uid"] / "volumes" / "kubernetes.io~empty-dir" / "v" / "sub"
    place.mkdir()
    (place / "env").write_text("WORD='from the file'")
    await node.client.patch(PODS, "p", {"metadata": {"labels": {"look": "again"}}}, namespace="default")

    await node.until("p", lambda pod: "CrashLoopBackOff" in str(pod["status"]))
    assert node.log(pod) == "from the file"


async def test_a_rule_restarts_all_containers_in_place(node: Node) -> None:
    again = {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}
    trigger = container("sleep 0.2; exit 42", name="trigger", restartPolicy="Never", restartPolicyRules=[again])
    await node.run_pod(
        restartPolicy="Never", initContainers=[container("exit 0", name="init")],
        containers=[container("sleep 300", name="other"), trigger],
    )  # fmt: skip
    seen: list[Object] = []

    def has_restarted(pod: Object) -> bool:
        seen.append(pod)
        status = pod.get("status") or {}
        every = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        return [each["restartCount"] for each in every] == [1, 1, 1] and condition(pod, "Ready")["status"] == "True"

    restarted = await node.until("p", has_restarted)

    assert condition(restarted, "AllContainersRestarting")["status"] == "False"
    assert restarted["status"]["containerStatuses"][1]["lastState"]["terminated"]["exitCode"] == 42
    assert not {pod.get("status", {}).get("phase") for pod in seen} & {"Failed", "Succeeded"}
    assert len(await node.runtime.list_sandboxes()) == 1, "the sandbox stays"


async def test_resources_that_somebody_advertises_can_be_had_until_they_are_taken_back(node: Node) -> None:
    for amount in ("4", "2", None):
        patch = {"status": {"capacity": {"example.com/dongle": amount}}}
        await node.client.patch(NODES, "n1", patch, subresource="status")
        await node.agent._reporter.report()
        found = node.client.peek(NODES, "n1")
        assert found is not None
        assert found["status"]["allocatable"].get("example.com/dongle") == amount
        assert "cpu" in found["status"]["allocatable"]
