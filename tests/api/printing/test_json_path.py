"""The paths of printer columns, among them those of well-known operators."""

from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.api.printing.json_path import PathError, compile_path

OBJECT: dict[str, Any] = {
    "metadata": {"labels": {"app.kubernetes.io/name": "web", "tier": "a"}, "annotations": {"a/b": "c"}},
    "spec": {"ports": [{"port": 80}, {"port": 443}], "replicas": 3, "names": ["x", "y", "z"]},
    "status": {
        "conditions": [
            {"type": "Created", "status": "True", "n": 1},
            {"type": "Running", "status": "True", "n": 2, "reason": "Up"},
            {"type": "Failed", "status": "False", "n": 3, "last": True},
        ],
        "empty": [],
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.replicas", [3]),
        (" .spec.replicas ", [3]),
        ("$.spec.replicas", [3]),
        (r".metadata.labels.app\.kubernetes\.io/name", ["web"]),
        (".metadata.labels['app.kubernetes.io/name']", ["web"]),
        (".metadata.annotations.a/b", ["c"]),
        (".spec.ports[0].port", [80]),
        (".spec.ports[-1].port", [443]),
        (".spec.ports[*].port", [80, 443]),
        (".spec.names[0,2]", ["x", "z"]),
        (".metadata.labels['tier','none']", ["a"]),
        (".status.conditions[-1:].type", ["Failed"]),
        (".status.conditions[:2].type", ["Created", "Running"]),
        (".spec.names[0:3:2]", ["x", "z"]),
        ('.status.conditions[?(@.type=="Running")].status', ["True"]),
        (".status.conditions[?(@.type == 'Running')].reason", ["Up"]),
        ('.status.conditions[?(@.type!="Running")].type', ["Created", "Failed"]),
        (".status.conditions[?(@.n>=2)].type", ["Running", "Failed"]),
        (".status.conditions[?(@.last==true)].type", ["Failed"]),
        (".status.conditions[?(@.reason)].type", ["Running"]),
        (".status.conditions[?(@.n<'2')].type", []),
        ("..port", [80, 443]),
        (".status.conditions..reason", ["Up"]),
        (".metadata.labels.*", ["web", "a"]),
        (".spec.none.deeper[3]", []),
        (".spec.replicas[0]", []),
        (".status.empty[0].x", []),
        (".spec.names[7]", []),
    ],
)
def test_paths_find_values(path: str, found: list[Any]) -> None:
    assert compile_path(path)(OBJECT) == found


@pytest.mark.parametrize(
    "path",
    [".a[", ".a['b", ".a[x]", '.a["b"]', ".a[?(@.b=='c'", ".a[?(@.b=c)]", ".a[?(@.b=~'c')]", "a", ".a[1:2:0]", ".a}"],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        compile_path(path)
