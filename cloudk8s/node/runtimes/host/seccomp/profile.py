"""A profile as data: what happens to which call. Files have the form that Docker and OCI runtimes read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cloudk8s.machinery import codec

EPERM, ENOSYS = 1, 38
_ACTIONS: Final = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_OPERATORS: Final = {
    "SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4, "SCMP_CMP_GE": 5, "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}  # fmt: skip
ALLOW: Final = _ACTIONS["SCMP_ACT_ALLOW"]


class ProfileError(Exception):
    """A profile can't be read or compiled; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of one argument of a call."""

    argument: int
    operator: int
    value: int
    second: int = 0
    """Of a masked comparison: what is left under the mask `value`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to a call whose arguments fulfil all conditions."""

    call: str
    action: int
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A whole profile."""

    default_action: int
    rules: Sequence[Rule]
    architectures: tuple[str, ...] = ()
    """The machine's own is always among them; as in SCMP_ARCH_X86."""


def action(name: str, number: int | None = None) -> int:
    """What libseccomp calls an action."""
    if name not in _ACTIONS:
        raise ProfileError(f"unknown seccomp action {name}")
    has_number = name in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
    return _ACTIONS[name] | (EPERM if number is None else number) * has_number


def read(path: Path, capabilities: Collection[str] = ()) -> Profile:
    """Read a user's file; rules that name capabilities count where the container has them. Blocks."""
    try:
        found = codec.decode(path.read_bytes())
        own = {f"CAP_{name.removeprefix('CAP_')}" for name in capabilities}
        rules = [rule for entry in found.get("syscalls") or () if _counts(entry, own) for rule in _rules(entry)]
        default = action(found["defaultAction"], found.get("defaultErrnoRet"))
        return Profile(default, rules, tuple(found.get("architectures") or ()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProfileError(f"cannot load seccomp profile {str(path)!r}: {error}") from error


def _counts(entry: Mapping[str, Any], capabilities: Collection[str]) -> bool:
    includes = (entry.get("includes") or {}).get("caps") or ()
    excludes = (entry.get("excludes") or {}).get("caps") or ()
    return all(name in capabilities for name in includes) and not any(name in capabilities for name in excludes)


def _rules(entry: Mapping[str, Any]) -> Sequence[Rule]:
    conditions = tuple(
        Condition(each["index"], _OPERATORS[each["op"]], each["value"], each.get("valueTwo") or 0)
        for each in entry.get("args") or ()
    )
    names = entry.get("names") or ([entry["name"]] if "name" in entry else [])
    found = action(entry["action"], entry.get("errnoRet"))
    return [Rule(name, found, conditions) for name in names]
