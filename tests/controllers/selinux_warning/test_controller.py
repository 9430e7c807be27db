from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.resources import CSI_DRIVERS, PODS
from cloudk8s.controllers.selinux_warning.controller import SELinuxWarningController
from cloudk8s.controllers.selinux_warning.labels import are_different
from tests.controllers.harness import NS, pod, running

LAST = "If both pods land on the same node, only one of them may access the volume."


def driver(*, mounts: bool = True) -> Object:
    spec = {"seLinuxMount": mounts}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": "d"}, "spec": spec}


def volume(name: str, claim: str, namespace: str = NS, handle: str = "h") -> list[Object]:
    """A PersistentVolume of that handle, and the claim that has it."""
    reference = {"namespace": namespace, "name": claim}
    spec = {"csi": {"driver": "d", "volumeHandle": handle}, "claimRef": reference}
    bound = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim, "namespace": namespace},
        "spec": {"volumeName": name},
    }
    return [{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}, bound]


def user(name: str, level: str = "", *, policy: str = "", namespace: str = NS, claim: str = "c") -> Object:
    made = pod(name)
    made["metadata"]["namespace"] = namespace
    context: dict[str, Any] = {"seLinuxOptions": {"level": level}} if level else {}
    if policy:
        context["seLinuxChangePolicy"] = policy
    made["spec"] |= {
        "securityContext": context,
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    return made


def label(mine: str, other: str, theirs: str) -> tuple[str, str]:
    note = f'SELinuxLabel ":::{mine}" conflicts with pod {other} that uses the same volume as this pod '
    return "SELinuxLabelConflict", note + f'with SELinuxLabel ":::{theirs}". {LAST}'


async def test_both_pods_are_told_of_labels_that_differ() -> None:
    objects = [driver(), *volume("v", "c"), user("a", "s0:c1"), user("b", "s0:c2"), user("same", "s0:c1")]
    async with running(SELinuxWarningController, objects=objects) as run:
        run.has_kubelet = False
        await run.settle(1)
        assert run.events("a") == [label("s0:c1", "b", "s0:c2")]
        assert set(run.events("b")) == {label("s0:c2", "a", "s0:c1"), label("s0:c2", "same", "s0:c1")}


async def test_policies_that_differ_are_a_conflict_too() -> None:
    objects = [driver(), *volume("v", "c"), user("a"), user("b", policy="Recursive")]
    async with running(SELinuxWarningController, objects=objects) as run:
        await run.settle(1)
        note = 'SELinuxChangePolicy "Recursive" conflicts with pod a that uses the same volume as this pod with '
        note += f'SELinuxChangePolicy "MountOption". {LAST}'
        assert run.events("b") == [("SELinuxChangePolicyConflict", note)]


async def test_names_of_other_namespaces_are_not_told() -> None:
    """Two PersistentVolumes of one handle are one volume."""
    objects = [driver(), *volume("v", "c"), *volume("w", "c", "other")]
    objects += [user("a", "s0:c1"), user("secret", "s0:c2", namespace="other")]
    async with running(SELinuxWarningController, objects=objects) as run:
        await run.settle(1)
        note = (
            'SELinuxLabel ":::s0:c1" conflicts with another pod that uses the same volume as this pod with a different '
        )
        assert run.events("a") == [("SELinuxLabelConflict", f"{note}SELinuxLabel. {LAST}")]


async def test_a_driver_that_does_not_mount_with_a_label_causes_no_conflict_until_it_does() -> None:
    objects = [driver(mounts=False), *volume("v", "c"), user("a", "s0:c1"), user("b", "s0:c2")]
    async with running(SELinuxWarningController, objects=objects) as run:
        await run.settle(1)
        assert run.events() == []
        await run.client.patch(CSI_DRIVERS, "d", {"spec": {"seLinuxMount": True}})
        await run.settle(1)
        assert run.events("a") == [label("s0:c1", "b", "s0:c2")]


async def test_pods_that_are_gone_or_done_conflict_with_nobody() -> None:
    done = user("done", "s0:c3")
    done["status"] = {"phase": "Succeeded"}
    objects = [driver(), *volume("v", "c"), user("a", "s0:c1"), done]
    async with running(SELinuxWarningController, objects=objects) as run:
        await run.settle(1)
        await run.client.delete(PODS, "a", namespace=NS, options=DeleteOptions(grace_period_seconds=0))
        await run.settle(1)
        run.client.add(user("b", "s0:c2"))
        await run.settle(1)
        assert run.events() == []


async def test_two_labels_in_one_pod_are_its_own_mistake() -> None:
    odd = user("odd", "s0:c1")
    second = {"name": "d", "image": "i", "volumeMounts": [{"name": "data"}]}
    odd["spec"]["containers"].append({**second, "securityContext": {"seLinuxOptions": {"level": "s0:c9"}}})
    async with running(SELinuxWarningController, objects=[driver(), *volume("v", "c"), odd]) as run:
        await run.settle(1)
        note = 'Volume "data" is mounted twice with different SELinux labels inside this pod'
        assert run.events("odd") == [("MultipleSELinuxLabels", note)]


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        ("", "u:r:t:s0", False),
        (":::s0:c1", "u:r:t:s0:c1", False),
        (":::s0:c1", ":::s0:c2", True),
        ("u:r:t:", "u:r:x:", True),
        ("u:::", ":r::", False),
    ],
)
def test_only_what_both_set_can_differ(one: str, other: str, different: bool) -> None:
    assert are_different(one, other) is are_different(other, one) is different
