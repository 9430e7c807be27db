"""Conditions of statuses that use the common type, which is checked; older types of conditions are not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors

_REASON: Final = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", re.ASCII)
_REASON_TEXT: Final = names.regex_message(
    "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'",
    _REASON.pattern,
    "my_name",
    "MY_NAME",
    "MyName",
    "ReasonA,ReasonB",
    "ReasonA:ReasonB",
)
_REASON_MAX: Final = 1024
_MESSAGE_MAX: Final = 32 * 1024
_STATUSES: Final = frozenset({"True", "False", "Unknown"})


def check_conditions(errors: Errors, path: str, conditions: Sequence[Mapping[str, Any]]) -> None:
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        kind = condition.get("type") or ""
        if kind in seen:
            errors.append(duplicate(f"{path}[{index}].type", kind))
        seen.add(kind)
        _check_condition(errors, f"{path}[{index}]", condition)


def _check_condition(errors: Errors, path: str, condition: Mapping[str, Any]) -> None:
    kind, status, reason = (condition.get(key) or "" for key in ("type", "status", "reason"))
    errors.extend(invalid(f"{path}.type", kind, text) for text in names.qualified_name(kind))
    if status not in _STATUSES:
        errors.append(not_supported(f"{path}.status", status, _STATUSES))
    if (generation := condition.get("observedGeneration") or 0) < 0:
        errors.append(invalid(f"{path}.observedGeneration", generation, "must be greater than or equal to zero"))
    if not condition.get("lastTransitionTime"):
        errors.append(required(f"{path}.lastTransitionTime", "must be set"))
    if not reason:
        errors.append(required(f"{path}.reason", "must be set"))
    elif not _REASON.fullmatch(reason):
        errors.append(invalid(f"{path}.reason", reason, _REASON_TEXT))
    if len(reason) > _REASON_MAX:
        errors.append(too_long(f"{path}.reason", _REASON_MAX))
    if len(condition.get("message") or "") > _MESSAGE_MAX:
        errors.append(too_long(f"{path}.message", _MESSAGE_MAX))
