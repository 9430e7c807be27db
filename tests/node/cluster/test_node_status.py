"""What a node keeps of its own in the API, and what of others it leaves alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import LEASES, NODES
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import parse_time
from cloudk8s.node.cluster.node_status import LEASE_NAMESPACE, NodeReporter
from cloudk8s.node.machine import addresses, capacity
from cloudk8s.node.machine.capacity import Machine
from cloudk8s.node.machine.node_object import Self
from cloudk8s.node.runtimes.interface import Image, RuntimeStatus, RuntimeVersion
from cloudk8s.node.settings import NodeSettings
from cloudk8s.testing.fake_client import FakeClient

MACHINE = Machine(4, 8 << 30, 100 << 30, "amd64", "6.1", "Debian", "machine", "boot", "host")
IMAGES = (Image("1", ("small:1",), size=5), Image("2", ("large:1",), ("large@sha256:2",), size=9))


@dataclass
class Reporting:
    """A node that says of itself what the test wants."""

    client: FakeClient
    clock: FakeClock
    settings: NodeSettings
    own: Self

    def __post_init__(self) -> None:
        events = EventRecorder(self.client, "kubelet", clock=self.clock, instance="n1")
        self.reporter = NodeReporter(self.settings, self.client, clock=self.clock, look=self._look, events=events)

    async def _look(self) -> Self:
        return self.own

    def node(self) -> Object:
        found = self.client.peek(NODES, "n1")
        assert found is not None
        return found

    async def change(self, patch: dict[str, Any], *, subresource: str = "") -> None:
        await self.client.patch(NODES, "n1", patch, subresource=subresource)


@pytest.fixture
async def reporting(tmp_path: Path) -> Reporting:
    clock = FakeClock()
    settings = NodeSettings(
        node_name="n1", root_dir=tmp_path, node_labels={"disk": "ssd"}, system_reserved={"cpu": "500m"},
        register_with_taints=({"key": "new", "effect": "NoSchedule"},),
    )  # fmt: skip
    whole = capacity.capacity(MACHINE, max_pods=110)
    own = Self(
        MACHINE, addresses.address_list(("192.0.2.1", "fd00::1"), "n1"), whole,
        capacity.allocatable(whole, settings.system_reserved), RuntimeVersion("containerd", "2.1"),
        RuntimeStatus(ready=True, network_ready=True), IMAGES, 10250, {},
    )  # fmt: skip
    reporting = Reporting(FakeClient(clock=clock), clock, settings, own)
    await reporting.reporter.register()
    return reporting


async def test_a_node_says_what_it_is_and_has(reporting: Reporting) -> None:
    node, status = reporting.node(), reporting.node()["status"]
    assert node["metadata"]["labels"] == {
        "kubernetes.io/hostname": "n1", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64", "disk": "ssd",
    }  # fmt: skip
    assert node["spec"]["taints"] == [{"key": "new", "effect": "NoSchedule"}]
    assert status["capacity"] == {"cpu": "4", "memory": "8388608Ki", "pods": "110", "ephemeral-storage": "104857600Ki"}
    assert status["allocatable"] == {
        "cpu": "3500m", "memory": "8092Mi", "pods": "110", "ephemeral-storage": str((100 << 30) * 9 // 10),
    }  # fmt: skip
    assert [(each["type"], each["address"]) for each in status["addresses"]] == [
        ("InternalIP", "192.0.2.1"), ("InternalIP", "fd00::1"), ("Hostname", "n1"),
    ]  # fmt: skip
    kinds = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert kinds == {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID"), "Ready": ("True", "KubeletReady"),
    }  # fmt: skip
    assert status["images"] == [
        {"names": ["large@sha256:2", "large:1"], "sizeBytes": 9}, {"names": ["small:1"], "sizeBytes": 5},
    ]  # fmt: skip
    assert status["daemonEndpoints"] == {"kubeletEndpoint": {"Port": 10250}}
    assert status["nodeInfo"]["containerRuntimeVersion"] == "containerd://2.1"


async def test_what_others_wrote_stays_when_the_status_is_written_and_when_the_agent_starts_again(
    reporting: Reporting,
) -> None:
    cordon = {"key": "theirs", "value": "x", "effect": "NoExecute"}
    await reporting.change(
        {
            "metadata": {"labels": {"team": "a", "kubernetes.io/os": "plan9"}, "annotations": {"note": "b"}},
            "spec": {"taints": [cordon]},
        }
    )
    foreign = {"type": "NetworkUnavailable", "status": "False", "reason": "RouteCreated"}
    amounts = {"capacity": {"example.com/dongle": "3"}, "allocatable": {"example.com/dongle": "3"}}
    conditions = [*reporting.node()["status"]["conditions"], foreign]
    await reporting.change({"status": {"conditions": conditions, **amounts}}, subresource="status")
    reporting.own = replace(reporting.own, pressures={"DiskPressure": "full"})

    await reporting.reporter.report()
    await reporting.reporter.register()

    node = reporting.node()
    assert node["metadata"]["labels"]["team"] == "a"
    assert node["metadata"]["labels"]["kubernetes.io/os"] == "linux", "what it knows better it says again"
    assert node["metadata"]["annotations"]["note"] == "b"
    assert node["spec"]["taints"] == [cordon], "taints are registered once"
    assert node["status"]["capacity"]["example.com/dongle"] == "3"
    assert node["status"]["allocatable"]["example.com/dongle"] == "3"
    kinds = {each["type"]: each for each in node["status"]["conditions"]}
    assert {key: kinds["NetworkUnavailable"][key] for key in foreign} == foreign
    assert (kinds["DiskPressure"]["status"], kinds["DiskPressure"]["reason"]) == ("True", "KubeletHasDiskPressure")


async def test_the_status_is_written_when_it_changes_and_else_now_and_then(reporting: Reporting) -> None:
    before = reporting.node()["metadata"]["resourceVersion"]
    await reporting.clock.advance(200)
    await reporting.reporter.report()
    assert reporting.node()["metadata"]["resourceVersion"] == before
    await reporting.clock.advance(101)
    await reporting.reporter.report()
    assert reporting.node()["metadata"]["resourceVersion"] != before


async def test_a_node_that_somebody_deleted_registers_again(reporting: Reporting) -> None:
    await reporting.client.delete(NODES, "n1")
    await reporting.reporter.report()
    assert reporting.node()["metadata"]["labels"]["kubernetes.io/hostname"] == "n1"


async def test_the_lease_is_renewed_every_ten_seconds_and_made_anew_where_it_is_gone(reporting: Reporting) -> None:
    renewing = asyncio.create_task(reporting.reporter.run_lease())

    def renewed() -> timedelta:
        """How long ago."""
        lease = reporting.client.peek(LEASES, "n1", LEASE_NAMESPACE)
        assert lease is not None
        assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"]) == ("n1", 40)
        return reporting.clock.now() - parse_time(lease["spec"]["renewTime"])

    try:
        await reporting.clock.advance(0)
        assert renewed() == timedelta(0)
        for _ in range(3):
            await reporting.clock.advance(9)
            assert renewed() == timedelta(seconds=9)
            await reporting.clock.advance(1)
            assert renewed() == timedelta(0)
        await reporting.client.delete(LEASES, "n1", namespace=LEASE_NAMESPACE)
        await reporting.clock.advance(10)
        assert renewed() == timedelta(0)
    finally:
        renewing.cancel()
