"""Findings of validation, in upstream's words (`k8s.io/apimachinery/pkg/util/validation/field`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cloudk8s.errors import Cause
from cloudk8s.machinery import codec

ErrorType = Literal[
    "FieldValueNotFound",
    "FieldValueRequired",
    "FieldValueDuplicate",
    "FieldValueInvalid",
    "FieldValueNotSupported",
    "FieldValueForbidden",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "InternalError",
    "FieldValueTypeInvalid",
]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One finding: `path` as in `spec.containers[0].name`, `text` the message without the path."""

    type: ErrorType
    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"

    def as_cause(self) -> Cause:
        return Cause(self.type, self.text, self.path)


class Rendered(str):
    """A value in its final form: printed as it is, neither quoted nor encoded."""

    __slots__ = ()


OMITTED = Rendered("")
"""Stands for upstream's `OmitValueType`: the message names no value."""


def required(path: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueRequired", path, _with("Required value", detail))


def forbidden(path: str, detail: str = "") -> FieldError:
    return FieldError("FieldValueForbidden", path, _with("Forbidden", detail))


def invalid(path: str, value: Any, detail: str = "") -> FieldError:
    title = "Invalid value" if value is OMITTED else f"Invalid value: {quoted(value)}"
    return FieldError("FieldValueInvalid", path, _with(title, detail))


def type_invalid(path: str, value: Any, detail: str = "") -> FieldError:
    return FieldError("FieldValueTypeInvalid", path, _with(f"Invalid value: {quoted(value)}", detail))


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError("FieldValueDuplicate", path, f"Duplicate value: {quoted(value)}")


def not_found(path: str, value: Any) -> FieldError:
    return FieldError("FieldValueNotFound", path, f"Not found: {quoted(value)}")


def not_supported(path: str, value: Any, supported: Iterable[str]) -> FieldError:
    """`supported` is listed in its order, a set sorted."""
    values = sorted(supported) if isinstance(supported, (set, frozenset)) else list(supported)
    detail = "supported values: " + ", ".join(quoted(item) for item in values) if values else ""
    return FieldError("FieldValueNotSupported", path, _with(f"Unsupported value: {quoted(value)}", detail))


def too_long(path: str, maximum: int) -> FieldError:
    return FieldError("FieldValueTooLong", path, f"Too long: may not be more than {maximum} bytes")


def too_many(path: str, actual: int, maximum: int) -> FieldError:
    return FieldError("FieldValueTooMany", path, f"Too many: {actual}: must have at most {maximum} items")


def internal(path: str, detail: str) -> FieldError:
    return FieldError("InternalError", path, _with("Internal error", detail))


def quoted(value: Any) -> str:
    """A value as Go's `%q`-style field errors print it: strings quoted, the rest as JSON."""
    if value is None:
        return "null"
    if isinstance(value, Rendered):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return codec.encode(value).decode()


def aggregate(errors: Sequence[FieldError]) -> str:
    """The message of an `Invalid` status: one finding as it is, several in brackets, duplicates dropped."""
    texts = list(dict.fromkeys(str(error) for error in errors))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _with(title: str, detail: str) -> str:
    return f"{title}: {detail}" if detail else title
