"""The order of API versions, and how stable each is."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?")
_STABILITY = {None: 2, "beta": 1, "alpha": 0}


def priority_order(versions: Iterable[str]) -> list[str]:
    """Preferred version first: v2, v1, v2beta1, v1beta2, v1alpha1, then names that are no version, alphabetically.

    See https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/
    """
    named = sorted(versions)
    return sorted(named, key=_rank)


def _rank(version: str) -> tuple[int, int, int, int]:
    match = _VERSION.fullmatch(version)
    if match is None:
        return (1, 0, 0, 0)
    return (0, -_STABILITY[match[2]], -int(match[1]), -int(match[3] or 0))
