"""File paths inside containers and volumes."""

from __future__ import annotations

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation.values import Errors


def check_no_backsteps(errors: Errors, path: str, value: str) -> None:
    if ".." in value and ".." in value.split("/"):
        errors.append(invalid(path, value, "must not contain '..'"))


def check_descending(errors: Errors, path: str, value: str) -> None:
    """Relative, and never upwards."""
    if value.startswith("/"):
        errors.append(invalid(path, value, "must be a relative path"))
    check_no_backsteps(errors, path, value)


def check_not_reserved(errors: Errors, path: str, value: str) -> None:
    """Descending, and not one of the names that atomic writers use."""
    check_descending(errors, path, value)
    if value.startswith("..") and not value.startswith("../"):
        errors.append(invalid(path, value, "must not start with '..'"))
