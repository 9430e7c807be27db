"""`matchLabelKeys` and `mismatchLabelKeys` of pod affinity become requirements of its label selectors at creation.

https://github.com/kubernetes/enhancements/tree/master/keps/sig-scheduling/3633-matchlabelkeys-to-podaffinity
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cloudk8s.api.resource import Object

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def apply_label_keys(pod: Object) -> None:
    """Add a requirement on the pod's own value for each key that the pod has a label for."""
    affinity = pod["spec"].get("affinity")
    labels = pod["metadata"].get("labels")
    if not affinity or not labels:
        return
    for kind in ("podAffinity", "podAntiAffinity"):
        for term in _terms(affinity.get(kind) or {}):
            if term.get("labelSelector") is not None:
                _apply(term, "matchLabelKeys", "In", labels)
                _apply(term, "mismatchLabelKeys", "NotIn", labels)


def _terms(affinity: Mapping[str, Any]) -> Iterator[Object]:
    yield from affinity.get(_REQUIRED) or ()
    for weighted in affinity.get(_PREFERRED) or ():
        if term := weighted.get("podAffinityTerm"):
            yield term


def _apply(term: Object, field: str, operator: str, labels: Mapping[str, str]) -> None:
    added = [
        {"key": key, "operator": operator, "values": [labels[key]]} for key in term.get(field) or () if key in labels
    ]
    if added:
        selector = term["labelSelector"]
        term["labelSelector"] = {**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *added]}
