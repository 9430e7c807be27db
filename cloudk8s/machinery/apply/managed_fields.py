"""`metadata.managedFields`: entries in and out, their identity, order and limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from cloudk8s.machinery import go_text
from cloudk8s.machinery.apply import fieldset, path_element
from cloudk8s.machinery.apply.fieldset import LEAF, SELF, FieldSet
from cloudk8s.machinery.times import format_time, parse_time

Operation = Literal["Apply", "Update"]
Identity: TypeAlias = tuple[str, str, str, str]
"""Manager, operation, subresource, and for updates the API version: one entry for each."""

ANCIENT: Final = "ancient-changes"
MAX_UPDATE_MANAGERS: Final = 10


class ManagedFieldsError(ValueError):
    """The list cannot be read; the message is upstream's."""


class Entry(NamedTuple):
    """What one manager owns, and since when; `raw` is the entry as it was read, if it was."""

    manager: str
    operation: Operation
    api_version: str
    fields: FieldSet
    subresource: str = ""
    time: str | None = None
    raw: Mapping[str, Any] | None = None

    @property
    def identity(self) -> Identity:
        is_apply = self.operation == "Apply"
        return self.manager, self.operation, self.subresource, "" if is_apply else self.api_version

    def owning(self, fields: FieldSet, time: str | None = None) -> Entry:
        """The same manager with other fields, at the time given or the old one."""
        manager, operation, api_version, _, subresource, former, _ = self
        return Entry(manager, operation, api_version, fields, subresource, time or former)

    def encoded(self) -> dict[str, Any]:
        if self.raw is not None:
            return dict(self.raw)
        entry: dict[str, Any] = {"manager": self.manager, "operation": self.operation, "apiVersion": self.api_version}
        if self.time:
            entry["time"] = self.time
        entry["fieldsType"] = "FieldsV1"
        entry["fieldsV1"] = self.fields
        if self.subresource:
            entry["subresource"] = self.subresource
        return entry


Managers: TypeAlias = dict[Identity, Entry]


def decode(entries: Iterable[Mapping[str, Any]] | None, *, is_trusted: bool = False) -> Managers:
    """Read a list; one that a client sent is checked and brought into one spelling. Raises ManagedFieldsError."""
    managers: Managers = {}
    for index, raw in enumerate(entries or ()):
        if not is_trusted:
            _check(raw, index)
        fields = raw.get("fieldsV1") or {}
        entry = Entry(
            raw.get("manager", ""), raw["operation"], raw["apiVersion"], fields if is_trusted else _canonical(fields),
            raw.get("subresource", ""), raw.get("time"), raw if is_trusted else None,
        )  # fmt: skip
        managers[entry.identity] = entry
    return managers


def encode(managers: Managers) -> list[dict[str, Any]]:
    """The list in upstream's order: applied before updated, older before newer, then by name."""
    entries = list(managers.values())
    if len(entries) > 1:
        entries.sort(key=lambda e: (e.operation, _moment(e.time), e.manager, e.api_version, e.subresource))
    return [entry.encoded() for entry in entries]


def is_reset(entries: Any) -> bool:
    """Whether a client asks to forget all managers: an empty list, or one empty entry."""
    return isinstance(entries, list) and (not entries or entries == [{}])


def capped(managers: Managers, limit: int = MAX_UPDATE_MANAGERS) -> Managers:
    """Keep the number of update entries bounded: the oldest of each version merge into one."""
    updaters = [entry for entry in managers.values() if entry.operation == "Update"]
    excess = len(updaters) - limit
    if excess <= 0:
        return managers
    managers = dict(managers)
    first_of: dict[str, Entry] = {}
    for entry in sorted(updaters, key=lambda e: (_moment(e.time), e.identity)):
        if excess <= 0:
            break
        first = first_of.setdefault(entry.api_version, entry)
        if first is entry:
            continue
        bucket = Entry(ANCIENT, "Update", entry.api_version, LEAF)
        if bucket.identity in managers:
            former = managers[bucket.identity]
        else:
            former = managers.pop(first.identity)
        managers.pop(entry.identity, None)
        managers[bucket.identity] = bucket.owning(fieldset.union(entry.fields, former.fields), entry.time)
        excess -= 1
    return managers


def with_old_times(new: dict[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The new object with the live one's managed fields if nothing but their times differs; else as it is.

    An update that changes nothing must not be a change because a clock moved on.
    """
    old_entries = live["metadata"].get("managedFields")
    entries = new["metadata"].get("managedFields")
    if not entries or not old_entries or entries == old_entries or len(entries) != len(old_entries):
        return new
    if _without_times(entries) != _without_times(old_entries):
        return new
    candidate = {**new, "metadata": {**new["metadata"], "managedFields": old_entries}}
    return candidate if candidate == live else new


def _check(raw: Mapping[str, Any], index: int) -> None:
    if raw.get("operation") not in ("Apply", "Update"):
        raise ManagedFieldsError("operation must be `Apply` or `Update`")
    if not raw.get("apiVersion"):
        raise ManagedFieldsError("apiVersion must not be empty")
    kind = raw.get("fieldsType", "")
    if not kind:
        raise ManagedFieldsError(f"missing fieldsType in managed fields entry {index}")
    if kind != "FieldsV1":
        raise ManagedFieldsError(f"invalid fieldsType {go_text.quote(kind)} in managed fields entry {index}")


def _canonical(fields: Any) -> FieldSet:
    if not isinstance(fields, dict):
        raise ManagedFieldsError(f"error decoding versioned set: expected an object, got {go_text.type_name(fields)}")
    try:
        node = {key if key == SELF else path_element.canonical(key): _canonical(below) for key, below in fields.items()}
    except path_element.PathElementError as error:
        raise ManagedFieldsError(f"error decoding versioned set: {error}") from error
    return LEAF if node.keys() == {SELF} else dict(sorted(node.items()))


def _moment(time: str | None) -> str:
    """A time in the form in which texts sort like times."""
    if not time or (len(time) == 20 and time[-1] == "Z"):
        return time or ""
    return format_time(parse_time(time))


def _without_times(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    plain = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return sorted(
        plain, key=lambda entry: [str(entry.get(key)) for key in ("operation", "manager", "apiVersion", "subresource")]
    )
