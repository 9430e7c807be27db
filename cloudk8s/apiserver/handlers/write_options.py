"""CreateOptions, UpdateOptions and PatchOptions from the query, validated as upstream does."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, required
from cloudk8s.api.resource import Object
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.machinery import codec

_FIELD_VALIDATION: Final = ("Ignore", "Strict", "Warn", "")


def read_write_options(context: RequestContext, kind: str, *, is_apply: bool = False) -> Object:
    """The options as an object for admission; Invalid for bad values."""
    query = context.query
    if not query:
        if is_apply:
            _refuse(kind, [required("fieldManager", "is required for apply patch")])
        return {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    errors: list[FieldError] = []
    manager, dry_run = query.get("fieldManager"), query.all("dryRun")
    if kind == "PatchOptions":
        if is_apply and not manager:
            errors.append(required("fieldManager", "is required for apply patch"))
        if not is_apply and "force" in query:
            errors.append(forbidden("force", "may not be specified for non-apply patch"))
    errors += field_manager_errors(manager)
    errors += dry_run_errors(dry_run)
    validation = query.get("fieldValidation")
    if validation not in _FIELD_VALIDATION:
        supported = '"", "Ignore", "Strict", "Warn"'
        text = f"Unsupported value: {codec.encode(validation).decode()}: supported values: {supported}"
        errors.append(FieldError("FieldValueNotSupported", "fieldValidation", text))
    if errors:
        _refuse(kind, errors)
    return {"kind": kind, "apiVersion": "meta.k8s.io/v1"} | {
        key: value for key, value in (("fieldManager", manager), ("dryRun", dry_run), ("fieldValidation", validation))
        if value
    }  # fmt: skip


def field_manager_errors(manager: str) -> list[FieldError]:
    """At most 128 bytes, printable."""
    errors: list[FieldError] = []
    if len(manager.encode()) > 128:
        errors.append(FieldError("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes"))
    for index, character in enumerate(manager):
        if not character.isprintable():
            errors.append(invalid("fieldManager", manager, f"invalid character {character!a} (at position {index})"))
    return errors


def dry_run_errors(values: list[str]) -> list[FieldError]:
    """The only directive is All."""
    if all(value == "All" for value in values):
        return []
    text = f'Unsupported value: {codec.encode(values).decode()}: supported values: "All"'
    return [FieldError("FieldValueNotSupported", "dryRun", text)]


def _refuse(kind: str, errors: list[FieldError]) -> None:
    raise failures.invalid(kind, "meta.k8s.io", "", errors)
