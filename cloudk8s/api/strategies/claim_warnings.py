"""Warnings about specs of persistent volume claims, wherever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.machinery.quantity import parse

CLASS_WARNING = (
    "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; "
    'use "storageClassName" attribute instead'
)


def claim_warnings(path: str, spec: Mapping[str, Any]) -> list[str]:
    amount = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if amount is None or (quantity := parse(amount)).nanos % 10**9 == 0:
        return []
    return [f'{path}.resources.requests[storage]: fractional byte value "{quantity}" is invalid, must be an integer']
