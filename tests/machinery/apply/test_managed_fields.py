from typing import Any

import pytest

from cloudk8s.machinery.apply import managed_fields
from cloudk8s.machinery.apply.managed_fields import ANCIENT, Entry, ManagedFieldsError, Managers

_ENTRY = {
    "manager": "m", "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1",
    "fieldsV1": {"f:data": {".": {}, "f:a": {}}},
}  # fmt: skip


def test_entries_read_back() -> None:
    entries = [_ENTRY, {**_ENTRY, "manager": "n", "subresource": "status"}]
    assert managed_fields.encode(managed_fields.decode(entries)) == entries
    assert managed_fields.encode(managed_fields.decode(entries, is_trusted=True)) == entries


def test_appliers_come_first_then_older_before_newer_then_names() -> None:
    def entry(manager: str, operation: Any, time: str | None) -> Entry:
        return Entry(manager, operation, "v1", {"f:a": {}}, time=time)

    entries = [
        entry("z", "Apply", None), entry("b", "Apply", "2026-01-01T00:00:00Z"),
        entry("x", "Update", "2025-01-01T00:00:00Z"),
        entry("a", "Update", "2026-01-01T00:00:00Z"), entry("c", "Update", "2026-01-01T00:00:00Z"),
    ]  # fmt: skip
    managers = {item.identity: item for item in reversed(entries)}
    assert [item["manager"] for item in managed_fields.encode(managers)] == ["z", "b", "x", "a", "c"]


def test_an_applier_is_one_entry_whatever_the_version() -> None:
    assert Entry("m", "Apply", "v1", {}).identity == Entry("m", "Apply", "v2", {}).identity
    assert Entry("m", "Update", "v1", {}).identity != Entry("m", "Update", "v2", {}).identity


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operation": "x"}, "operation must be `Apply` or `Update`"),
        ({"apiVersion": ""}, "apiVersion must not be empty"),
        ({"fieldsType": ""}, "missing fieldsType in managed fields entry 0"),
        ({"fieldsType": "x"}, 'invalid fieldsType "x" in managed fields entry 0'),
        ({"fieldsV1": {"x": {}}}, "error decoding versioned set: .*"),
        ({"fieldsV1": []}, "error decoding versioned set: .*"),
    ],
)
def test_bad_entries_are_refused(change: dict[str, Any], message: str) -> None:
    if change == {"fieldsV1": []}:
        change = {"fieldsV1": {"f:a": []}}
    with pytest.raises(ManagedFieldsError, match=message):
        managed_fields.decode([{**_ENTRY, **change}])


def test_reset_is_an_empty_list_or_one_empty_entry() -> None:
    assert managed_fields.is_reset([])
    assert managed_fields.is_reset([{}])
    assert not managed_fields.is_reset(None)
    assert not managed_fields.is_reset([_ENTRY])


def test_oldest_updates_of_a_version_merge_beyond_the_cap() -> None:
    managers: Managers = {}
    for index in range(12):
        entry = Entry(f"m{index:02}", "Update", "v1", {f"f:{index}": {}}, time=f"2026-01-01T00:00:{index:02}Z")
        managers[entry.identity] = entry
    capped = managed_fields.capped(managers)
    assert len(capped) == 10
    assert [entry.manager for entry in capped.values() if entry.manager == ANCIENT] == [ANCIENT]
    ancient = capped[(ANCIENT, "Update", "", "v1")]
    assert ancient.fields == {"f:0": {}, "f:1": {}, "f:2": {}}
    assert ancient.time == "2026-01-01T00:00:02Z"


def test_appliers_do_not_count_for_the_cap() -> None:
    entries = [Entry(f"m{index}", "Apply", "v1", {"f:a": {}}) for index in range(20)]
    managers = {entry.identity: entry for entry in entries}
    assert managed_fields.capped(managers) is managers


def _object(time: str, data: str = "1") -> dict[str, Any]:
    return {"metadata": {"name": "x", "managedFields": [{**_ENTRY, "time": time}]}, "data": {"a": data}}


def test_times_alone_are_no_change() -> None:
    live = _object("2026-01-01T00:00:00Z")
    assert managed_fields.with_old_times(_object("2026-02-02T00:00:00Z"), live) == live
    changed = _object("2026-02-02T00:00:00Z", data="2")
    assert managed_fields.with_old_times(changed, live) is changed
