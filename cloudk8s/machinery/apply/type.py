"""The contract of a compiled type: every walk that server-side apply makes over a value.

A walk trusts the shape of live objects, which validation has let through; only `check`, for configurations that clients
apply, doubts it. No walk changes a value: results share what they keep.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final, NamedTuple, TypeAlias

from cloudk8s.machinery.apply.fieldset import FieldSet

ABSENT: Final = object()
"""Stands for no value, which is not the same as null."""

Findings: TypeAlias = list[tuple[str, str]]
"""What is wrong with a value: path and message."""


class TypedError(ValueError):
    """A value does not fit its type; the message is upstream's."""


class Comparison(NamedTuple):
    """How two values differ; None where nothing does."""

    added: FieldSet | None = None
    modified: FieldSet | None = None
    removed: FieldSet | None = None


class Type(ABC):
    """One node of a compiled schema."""

    is_leaf: bool = False
    """The value has one owner as a whole: a scalar, or an atomic list or map."""

    @abstractmethod
    def full(self, value: Any) -> FieldSet:
        """The node of a value that was added or removed: itself and everything in it."""

    @abstractmethod
    def compare(self, old: Any, new: Any) -> Comparison:
        """How two different values differ. Raises TypedError where list items cannot be identified."""

    @abstractmethod
    def applied(self, value: Any) -> FieldSet | None:
        """What an applied value owns: LEAF for itself, else what is in it; None where nothing is."""

    @abstractmethod
    def merge(self, live: Any, config: Any) -> Any:
        """The live value with the configuration on top."""

    @abstractmethod
    def remove(self, value: Any, fields: FieldSet, emptied: Any) -> Any:
        """The value without these fields; ABSENT where nothing is left, and then `emptied` in the field around it."""

    @abstractmethod
    def named(self, fields: FieldSet) -> FieldSet:
        """The set with those struct fields made members that stand in it only for what is below them."""

    @abstractmethod
    def reconciled(self, fields: FieldSet) -> FieldSet:
        """The node of a set made when the type was granular where it is atomic now."""

    @abstractmethod
    def check(self, value: Any) -> Findings:
        """What is wrong with an applied value."""
