"""Label keys of pod affinity, as the server completes them."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.strategies.pod.label_keys import apply_label_keys


def pod(term: Any, *, kind: str = "podAffinity", labels: dict[str, str] | None = None) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    return {
        "metadata": {"labels": {"app": "web", "hash": "1"} if labels is None else labels},
        "spec": {"affinity": {kind: required}},
    }


def expressions(obj: dict[str, Any], kind: str = "podAffinity") -> Any:
    (term,) = obj["spec"]["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"]
    return term["labelSelector"].get("matchExpressions")


def test_keys_become_requirements_on_the_pods_own_values() -> None:
    exists = {"key": "x", "operator": "Exists"}
    obj = pod({
        "labelSelector": {"matchExpressions": [exists]}, "matchLabelKeys": ["hash", "absent"],
        "mismatchLabelKeys": ["app"],
    })  # fmt: skip
    apply_label_keys(obj)
    assert expressions(obj) == [
        exists,
        {"key": "hash", "operator": "In", "values": ["1"]},
        {"key": "app", "operator": "NotIn", "values": ["web"]},
    ]


def test_preferred_terms_and_anti_affinity_too() -> None:
    obj = pod({"labelSelector": {}, "matchLabelKeys": ["hash"]}, kind="podAntiAffinity")
    term = {"labelSelector": {}, "matchLabelKeys": ["hash"]}
    obj["spec"]["affinity"]["podAffinity"] = {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]
    }
    apply_label_keys(obj)
    added = [{"key": "hash", "operator": "In", "values": ["1"]}]
    assert expressions(obj, "podAntiAffinity") == added
    assert term["labelSelector"] == {"matchExpressions": added}


def test_nothing_is_added_without_a_selector_a_label_or_a_key() -> None:
    for term in ({"matchLabelKeys": ["hash"]}, {"labelSelector": {}}):
        obj = pod(dict(term))
        apply_label_keys(obj)
        assert obj == pod(dict(term))
    bare = pod({"labelSelector": {}, "matchLabelKeys": ["hash"]}, labels={})
    apply_label_keys(bare)
    assert expressions(bare) is None
