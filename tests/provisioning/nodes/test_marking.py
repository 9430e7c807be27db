"""Labels and taints of nodes follow what is declared, and leave alone what others gave."""

from __future__ import annotations

from typing import Any

from cloudk8s.machinery import merge_patch
from cloudk8s.provisioning.nodes.marking import Marks, patch_of

NODE: dict[str, Any] = {
    "metadata": {"name": "n", "labels": {"theirs": "1"}},
    "spec": {"taints": [{"key": "theirs", "effect": "NoExecute"}]},
}


def patched(node: dict[str, Any], marks: Marks) -> dict[str, Any]:
    patch = patch_of(node, marks)
    assert patch is not None
    return merge_patch.apply(node, patch)


def marks(taints: list[dict[str, str]], **labels: str) -> Marks:
    return Marks("demo", "n", "web", "local://demo/n", labels, taints)


def test_what_is_declared_is_given_once() -> None:
    wanted = marks([{"key": "web", "effect": "NoSchedule"}], tier="web")
    node = patched(NODE, wanted)
    assert node["metadata"]["labels"] == {"theirs": "1", "tier": "web", "cloudk8s.io/pool": "web"}
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["theirs", "web"]
    assert node["spec"]["providerID"] == "local://demo/n"
    assert patch_of(node, wanted) is None


def test_what_is_declared_no_more_goes_and_what_others_gave_stays() -> None:
    node = patched(NODE, marks([{"key": "web", "effect": "NoSchedule"}], tier="web"))
    node = patched(node, marks([]))
    assert node["metadata"]["labels"] == {"theirs": "1", "cloudk8s.io/pool": "web"}
    assert [taint["key"] for taint in node["spec"]["taints"]] == ["theirs"]
