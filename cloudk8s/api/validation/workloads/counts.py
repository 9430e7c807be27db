"""What a status counts: nothing is negative, parts are not more than the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors

MORE_THAN_REPLICAS = "cannot be greater than status.replicas"


def check_counts(errors: Errors, path: str, status: Mapping[str, Any], fields: Sequence[str]) -> None:
    for field in fields:
        if (value := status.get(field)) is not None and value < 0:
            errors.append(invalid(f"{path}.{field}", value, names.NON_NEGATIVE))


def check_parts(errors: Errors, path: str, status: Mapping[str, Any], parts: Sequence[str]) -> None:
    """None of `parts` counts more than `replicas`."""
    total = status.get("replicas") or 0
    for field in parts:
        if (value := status.get(field) or 0) > total:
            errors.append(invalid(f"{path}.{field}", value, MORE_THAN_REPLICAS))


def check_available(errors: Errors, path: str, status: Mapping[str, Any], text: str) -> None:
    """Whatever is available is ready."""
    if (value := status.get("availableReplicas") or 0) > (status.get("readyReplicas") or 0):
        errors.append(invalid(f"{path}.availableReplicas", value, text))


def check_collisions(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """The count of name collisions never shrinks."""
    value, before = ((obj.get("status") or {}).get("collisionCount") for obj in (new, old))
    if before is not None and (value is None or value < before):
        errors.append(invalid("status.collisionCount", value, "cannot be decremented"))
