"""Conflicts between managers, as the 409 that upstream answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from cloudk8s.errors import Cause, Conflict
from cloudk8s.machinery import go_text
from cloudk8s.machinery.apply import fieldset, path_element
from cloudk8s.machinery.apply.fieldset import FieldSet
from cloudk8s.machinery.apply.managed_fields import Entry

Conflicts: TypeAlias = list[tuple[Entry, FieldSet]]
"""Managers in the way, each with what of theirs would change."""


class ApplyConflict(Conflict):
    """Other managers own fields that a configuration changes; `conflicts` says which."""

    def __init__(self, conflicts: Conflicts, **details: Any) -> None:
        found = [(_printed(entry), path) for entry, fields in _sorted(conflicts) for path in fieldset.paths(fields)]
        causes = [
            Cause("FieldManagerConflict", f"conflict with {manager}", path_element.describe_path(path))
            for manager, path in found
        ]
        super().__init__(_message(causes), causes=causes, **details)
        self.conflicts = conflicts


def _message(causes: list[Cause]) -> str:
    if len(causes) == 1:
        return f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    lines = []
    for manager, fields in _by_manager(causes).items():
        lines += [f"conflicts with {manager}:", *(f"- {field}" for field in fields)]
    return f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)


def _by_manager(causes: list[Cause]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for cause in causes:
        found.setdefault(cause.message.removeprefix("conflict with "), []).append(cause.field)
    return found


def _sorted(conflicts: Conflicts) -> Conflicts:
    return sorted(conflicts, key=lambda conflict: conflict[0].identity)


def _printed(entry: Entry) -> str:
    text = go_text.quote(entry.manager)
    if entry.subresource:
        text += f" with subresource {go_text.quote(entry.subresource)}"
    return f"{text} using {entry.api_version}" if entry.operation == "Update" else text
