"""What a node's events tell."""

from __future__ import annotations

from typing import Any

from cloudk8s.node.machine.transitions import scheduling, transitions


def status(boot: str = "b1", **conditions: str) -> dict[str, Any]:
    found = [{"type": name, "status": value} for name, value in conditions.items()]
    return {"nodeInfo": {"bootID": boot}, "conditions": found}


def test_a_new_node_tells_all() -> None:
    after = status(MemoryPressure="False", DiskPressure="False", PIDPressure="False", Ready="True")
    reasons = [reason for _, reason, _ in transitions("n1", {}, after)]
    assert reasons == ["NodeHasSufficientMemory", "NodeHasNoDiskPressure", "NodeHasSufficientPID", "NodeReady"]


def test_only_what_changed_is_told() -> None:
    told = transitions("n1", status(Ready="True", DiskPressure="False"), status(Ready="False", DiskPressure="False"))
    assert told == [("Normal", "NodeNotReady", "Node n1 status is now: NodeNotReady")]
    assert not transitions("n1", status(Ready="True"), status(Ready="True"))


def test_a_reboot_is_told() -> None:
    told = transitions("n1", status("b1", Ready="True"), status("b2", Ready="True"))
    assert told == [("Warning", "Rebooted", "Node n1 has been rebooted, boot id: b2")]


def test_a_cordon_and_its_end_are_told() -> None:
    open_to_all, closed = {"spec": {}}, {"spec": {"unschedulable": True}}
    assert scheduling(open_to_all, closed) == "NodeNotSchedulable"
    assert scheduling(closed, open_to_all) == "NodeSchedulable"
    assert scheduling(closed, closed) == scheduling(open_to_all, open_to_all) == ""
