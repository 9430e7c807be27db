"""One term of a label selector: checked when made, cheap to match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cloudk8s.machinery import codec, names

Operator = Literal["in", "notin", "=", "==", "!=", "gt", "lt", "exists", "!"]


class SelectorError(ValueError):
    """The selector cannot be understood; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term; `values` are sorted, and one for everything but `in` and `notin`."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value is not None and value in self.values
            case "notin" | "!=":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        number = None if value is None else _integer(value)
        bound = _integer(self.values[0])
        if number is None or bound is None:
            return False
        return number > bound if self.operator == "gt" else number < bound

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(self.values)})"
            case "gt" | "lt":
                return f"{self.key}{'>' if self.operator == 'gt' else '<'}{self.values[0]}"
        return f"{self.key}{self.operator}{self.values[0]}"


def requirement(key: str, operator: Operator, values: Sequence[str] | None = None) -> Requirement:
    """A checked requirement. Raises SelectorError with every finding."""
    given = values or ()
    findings = [f"key: {_invalid(key, message)}" for message in _joined(names.label_key(key))]
    findings += _arity_findings(operator, given, values)
    for index, value in enumerate(given):
        findings += [f"values[{index}][{key}]: {_invalid(value, m)}" for m in _joined(names.label_value(value))]
    if findings:
        findings = list(dict.fromkeys(findings))
        raise SelectorError(findings[0] if len(findings) == 1 else f"[{', '.join(findings)}]")
    return Requirement(key, operator, tuple(sorted(set(given))))


def check_key(key: str) -> None:
    """Raise SelectorError for a key that cannot be a label key, before anything else is known of its term."""
    for message in _joined(names.label_key(key)):
        raise SelectorError(f"<nil>: {_invalid(key, message)}")


def _arity_findings(operator: Operator, given: Sequence[str], shown: Sequence[str] | None) -> list[str]:
    match operator:
        case "in" | "notin" if not given:
            return [f"values: {_invalid(shown, _EMPTY_SET)}"]
        case "=" | "==" | "!=" if len(given) != 1:
            return [f"values: {_invalid(shown, 'exact-match compatibility requires one single value')}"]
        case "exists" | "!" if given:
            return [f"values: {_invalid(shown, 'values set must be empty for exists and does not exist')}"]
        case "gt" | "lt":
            return _number_findings(given, shown)
    return []


def _number_findings(given: Sequence[str], shown: Sequence[str] | None) -> list[str]:
    message = "for 'Gt', 'Lt' operators, exactly one value is required"
    findings = [] if len(given) == 1 else [f"values: {_invalid(shown, message)}"]
    message = "for 'Gt', 'Lt' operators, the value must be an integer"
    bad = ((index, value) for index, value in enumerate(given) if _integer(value) is None)
    return findings + [f"values[{index}]: {_invalid(value, message)}" for index, value in bad]


_EMPTY_SET: Final = "for 'in', 'notin' operators, values set can't be empty"


def _joined(messages: list[str]) -> list[str]:
    return ["; ".join(messages)] if messages else []


def _invalid(value: object, message: str) -> str:
    return f"Invalid value: {codec.encode(value).decode()}: {message}"


def _integer(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None
