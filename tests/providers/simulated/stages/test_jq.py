from __future__ import annotations

from typing import Any

import pytest

from cloudk8s_simulated.stages.jq import QueryError, compiled

POD: dict[str, Any] = {
    "metadata": {
        "name": "web",
        "annotations": {"a.b/delay": "5s"},
        "ownerReferences": [{"kind": "Job"}, {"kind": "X"}],
    },
    "spec": {"count": 3},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]},
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (".metadata.name", ["web"]),
        (".", [POD]),
        (".metadata.deletionTimestamp", [None]),
        ('.metadata.annotations["a.b/delay"]', ["5s"]),
        ('.metadata."name"', ["web"]),
        (".metadata.labels.app", [None]),
        (".metadata.ownerReferences.[].kind", ["Job", "X"]),
        (".metadata.ownerReferences[].kind", ["Job", "X"]),
        (".metadata.ownerReferences.[0].kind", ["Job"]),
        (".metadata.ownerReferences[-1].kind", ["X"]),
        (".metadata.finalizers.[]", []),
        (".metadata.name.deeper", []),
        ('.status.conditions.[] | select( .type == "Ready" ) | .status', ["True"]),
        ('.status.conditions[] | select(.type == "Ready" and .status != "True") | .status', []),
        ('.status.conditions[] | select(.type == "Ready" or .type == "Other") | .type', ["Ready", "Other"]),
        (".status.conditions | length", [2]),
        ('.metadata.labels["x"] // "none"', ["none"]),
        (".spec.count > 2", [True]),
        (".spec.count <= 2 | not", [True]),
        ('.metadata.annotations | has("a.b/delay")', [True]),
        ('.metadata.name | test("^w")', [True]),
        (".status.conditions | map(.type) | first", ["Ready"]),
        (".spec.count | tostring", ["3"]),
        ("null", [None]),
        ('"5" | tonumber', [5]),
        (".metadata.name?", ["web"]),
    ],
)
def test_queries_find_what_jq_finds(query: str, expected: list[Any]) -> None:
    assert list(compiled(query)(POD)) == expected


@pytest.mark.parametrize("query", [".a |", ".a[", "select(.a", "unheard(.a)", ".a )", "%"])
def test_what_cannot_be_read_is_a_mistake(query: str) -> None:
    with pytest.raises(QueryError):
        compiled(query)
