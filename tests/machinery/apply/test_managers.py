from datetime import datetime, timedelta
from typing import Any

import pytest

from cloudk8s.errors import BadRequest
from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.conflict import ApplyConflict
from cloudk8s.machinery.apply.managers import ApplyError, FieldManager, Writer
from cloudk8s.machinery.apply.versions import OneVersion
from cloudk8s.machinery.schema import Schema

_STATUS = Writer("ctl", "status", fieldset.of_fields("spec"))


def _config(**parts: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Web", "metadata": {"name": "web"}, **parts}


def _stored(**parts: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1", "kind": "Web", "metadata": {"name": "web", "uid": "u", "resourceVersion": "1"},
        **parts,
    }  # fmt: skip


def _fields(obj: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", [])}


def _put(
    manager: FieldManager, live: dict[str, Any], new: dict[str, Any], writer: Writer, now: datetime
) -> dict[str, Any]:
    entries = manager.on_update(live, new, writer, now)
    metadata = {key: value for key, value in new["metadata"].items() if key != "managedFields"}
    return {**new, "metadata": metadata | ({"managedFields": entries} if entries else {})}


def test_creator_owns_what_a_new_object_has_beyond_zero(manager: FieldManager, now: datetime) -> None:
    obj = _stored(
        spec={
            "replicas": 1, "strategy": {"type": "x", "rollingUpdate": {"partition": 0}}, "containers": [{"name": "a"}],
        },
        status={}, data={"k": "v"},
    )  # fmt: skip
    assert manager.on_create(obj, Writer("bob"), now) == [
        {
            "manager": "bob",
            "operation": "Update",
            "apiVersion": "apps/v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:data": {".": {}, "f:k": {}},
                "f:spec": {
                    "f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}}},
                    "f:replicas": {},
                    "f:strategy": {"f:rollingUpdate": {".": {}, "f:partition": {}}, "f:type": {}},
                },
            },
        }
    ]


def test_writer_without_a_name_is_unknown(manager: FieldManager, now: datetime) -> None:
    assert manager.on_create(_stored(data={"a": "1"}), Writer(""), now)[0]["manager"] == "unknown"


def test_applier_owns_what_it_applies(manager: FieldManager, now: datetime) -> None:
    applied = manager.on_apply(None, _config(data={"a": "1"}), Writer("one"), now)
    assert applied["data"] == {"a": "1"}
    assert applied["metadata"]["managedFields"] == [
        {
            "manager": "one",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}},
        }
    ]


def test_field_no_longer_applied_goes_unless_another_manager_owns_it(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(None, _config(data={"a": "1", "x": "1"}), Writer("one"), now)
    live = manager.on_apply(live, _config(data={"a": "1", "y": "1"}), Writer("two"), now)
    live = manager.on_apply(live, _config(data={"x": "1"}), Writer("one"), now)
    assert live["data"] == {"a": "1", "x": "1", "y": "1"}
    live = manager.on_apply(live, _config(data={"y": "1"}), Writer("two"), now)
    assert live["data"] == {"x": "1", "y": "1"}
    assert _fields(live) == {"one": {"f:data": {"f:x": {}}}, "two": {"f:data": {"f:y": {}}}}


def test_other_value_conflicts_and_force_takes_over(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(None, _config(data={"a": "1"}), Writer("one"), now)
    with pytest.raises(ApplyConflict) as caught:
        manager.on_apply(live, _config(data={"a": "2"}), Writer("two"), now)
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "one": .data.a'
    assert caught.value.status["details"] == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}]
    }
    live = manager.on_apply(live, _config(data={"a": "2"}), Writer("two"), now, force=True)
    assert live["data"] == {"a": "2"}
    assert _fields(live) == {"two": {"f:data": {"f:a": {}}}}


def test_equal_value_is_shared_and_an_owner_that_changes_nothing_has_no_time(
    manager: FieldManager, now: datetime
) -> None:
    live = manager.on_apply(None, _config(data={"a": "1"}), Writer("one"), now)
    live = manager.on_apply(live, _config(data={"a": "1"}), Writer("two"), now)
    entries = {entry["manager"]: entry for entry in live["metadata"]["managedFields"]}
    assert entries["two"]["fieldsV1"] == entries["one"]["fieldsV1"]
    assert "time" in entries["one"]
    assert "time" not in entries["two"]


def test_applying_the_same_again_changes_nothing(manager: FieldManager, now: datetime) -> None:
    config = _config(data={"a": "1"}, spec={"containers": [{"name": "a", "image": "x"}]})
    live = manager.on_apply(None, config, Writer("one"), now)
    assert manager.on_apply(live, config, Writer("one"), now + timedelta(hours=1)) == live


def test_many_conflicts_are_listed_by_manager(manager: FieldManager, now: datetime) -> None:
    live = _stored(data={"a": "1", "b": "2"})
    live["metadata"]["managedFields"] = manager.on_create(live, Writer("golden"), now)
    with pytest.raises(ApplyConflict) as caught:
        manager.on_apply(live, _config(data={"a": "3", "b": "4"}), Writer("two"), now)
    assert caught.value.message == (
        'Apply failed with 2 conflicts: conflicts with "golden" using apps/v1:\n- .data.a\n- .data.b'
    )


def test_conflict_names_the_subresource(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(_stored(status={}), _config(status={"replicas": 1}), _STATUS, now)
    with pytest.raises(ApplyConflict, match=r'conflict with "ctl" with subresource "status": \.status\.replicas'):
        manager.on_apply(live, _config(status={"replicas": 2}), Writer("other", "status"), now)


def test_atomic_list_and_map_have_one_owner(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(None, _config(spec={"selector": {"matchLabels": {"a": "1"}}}), Writer("one"), now)
    with pytest.raises(ApplyConflict, match=r"\.spec\.selector$"):
        manager.on_apply(live, _config(spec={"selector": {"matchLabels": {"b": "1"}}}), Writer("two"), now)


def test_list_items_are_merged_by_key_and_removed_by_their_owner(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(None, _config(spec={"containers": [{"name": "a", "image": "x"}]}), Writer("one"), now)
    live = manager.on_apply(live, _config(spec={"containers": [{"name": "b", "image": "y"}]}), Writer("two"), now)
    assert [item["name"] for item in live["spec"]["containers"]] == ["a", "b"]
    live = manager.on_apply(
        live, _config(spec={"containers": [{"name": "a", "limits": {"cpu": 1}}]}), Writer("three"), now
    )
    assert live["spec"]["containers"][0] == {"name": "a", "image": "x", "limits": {"cpu": 1}}
    live = manager.on_apply(live, _config(spec={}), Writer("two"), now)
    assert [item["name"] for item in live["spec"]["containers"]] == ["a"]
    assert _fields(live)["two"] == {"f:spec": {}}


def test_updater_takes_what_it_changes_and_loses_what_it_removes(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(_stored(), _config(data={"a": "1", "b": "2"}), Writer("one"), now)
    live = _put(manager, live, _stored(data={"a": "1", "b": "3", "c": "4"}), Writer("bob"), now)
    assert _fields(live) == {"one": {"f:data": {"f:a": {}}}, "bob": {"f:data": {"f:b": {}, "f:c": {}}}}
    live = _put(manager, live, _stored(data={"a": "1"}), Writer("bob"), now)
    assert _fields(live) == {"one": {"f:data": {"f:a": {}}}}


def test_update_through_a_subresource_is_an_entry_of_its_own_and_resets_do_not_count(
    manager: FieldManager, now: datetime
) -> None:
    live = _stored(spec={"replicas": 1}, status={})
    live["metadata"]["managedFields"] = manager.on_create(live, Writer("ctl"), now)
    entries = manager.on_update(live, _stored(spec={"replicas": 9}, status={"replicas": 1}), _STATUS, now)
    assert [(entry.get("subresource"), entry["fieldsV1"]) for entry in entries] == [
        (None, {"f:spec": {"f:replicas": {}}}),
        ("status", {"f:status": {"f:replicas": {}}}),
    ]


def test_object_without_managers_gets_a_first_one_before_it_is_applied_to(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(_stored(data={"a": "1"}, status={}), _config(data={"b": "1"}), Writer("one"), now)
    assert _fields(live) == {
        "one": {"f:data": {"f:b": {}}},
        "before-first-apply": {"f:data": {".": {}, "f:a": {}}},
    }


def test_object_without_managers_stays_untracked_by_updates(manager: FieldManager, now: datetime) -> None:
    assert manager.on_update(_stored(), _stored(data={"a": "1"}), Writer("bob"), now) == []


@pytest.mark.parametrize("sent", [[], [{}]])
def test_client_may_reset_the_managers(manager: FieldManager, now: datetime, sent: list[Any]) -> None:
    live = manager.on_apply(_stored(), _config(data={"a": "1"}), Writer("one"), now)
    new = _stored(data={"a": "1"})
    new["metadata"]["managedFields"] = sent
    assert manager.on_update(live, new, Writer("bob"), now) == []


def test_what_a_client_sends_as_managers_counts_if_it_is_right(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(_stored(), _config(data={"a": "1"}), Writer("one"), now)
    (entry,) = live["metadata"]["managedFields"]
    new = _stored(data={"a": "1"})
    new["metadata"]["managedFields"] = [{**entry, "manager": "renamed"}]
    assert [item["manager"] for item in manager.on_update(live, new, Writer("bob"), now)] == ["renamed"]
    new["metadata"]["managedFields"] = [{**entry, "operation": "x"}]
    assert manager.on_update(live, new, Writer("bob"), now) == [entry]
    new["metadata"]["managedFields"] = [{**entry, "manager": "renamed"}]
    assert manager.on_update(live, new, Writer("bob", "status"), now) == [entry]


def test_managers_of_versions_no_longer_served_are_dropped(manager: FieldManager, now: datetime) -> None:
    live = manager.on_apply(_stored(), _config(data={"a": "1"}), Writer("one"), now)
    live["metadata"]["managedFields"].append(
        {**live["metadata"]["managedFields"][0], "apiVersion": "gone/v1", "manager": "x"}
    )
    entries = manager.on_update(live, _stored(data={"a": "1", "b": "2"}), Writer("bob"), now)
    assert [entry["manager"] for entry in entries] == ["one", "bob"]


def test_configuration_that_does_not_fit_is_refused_in_upstreams_words(manager: FieldManager, now: datetime) -> None:
    with pytest.raises(ApplyError) as caught:
        manager.on_apply(None, _config(dat={}), Writer("one"), now)
    assert str(caught.value) == (
        "failed to create typed patch object (/web; apps/v1, Kind=Web): .dat: field not declared in schema"
    )


def test_configuration_may_carry_no_managers_and_must_be_of_the_kind(manager: FieldManager, now: datetime) -> None:
    config = _config()
    config["metadata"]["managedFields"] = []
    with pytest.raises(BadRequest, match=r"metadata\.managedFields must be nil"):
        manager.on_apply(None, config, Writer("one"), now)
    with pytest.raises(BadRequest, match="invalid object type: /v1, Kind=Web"):
        manager.on_apply(None, _config(apiVersion="v1"), Writer("one"), now)


_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"


def test_kubectl_takes_over_what_it_set_by_client_side_apply(manager: FieldManager, now: datetime) -> None:
    live = _stored(data={"a": "1", "b": "1"})
    live["metadata"]["annotations"] = {_ANNOTATION: '{"data":{"a":"1"}}'}
    live["metadata"]["managedFields"] = manager.on_create(live, Writer("kubectl-client-side-apply"), now)
    with pytest.raises(ApplyConflict, match=r"\.data\.b$"):
        manager.on_apply(live, _config(data={"a": "2", "b": "2"}), Writer("kubectl"), now)
    with pytest.raises(ApplyConflict, match=r"\.data\.a$"):
        manager.on_apply(live, _config(data={"a": "2"}), Writer("other"), now)
    applied = manager.on_apply(live, _config(data={"a": "2 < 3"}), Writer("kubectl"), now)
    assert applied["data"] == {"a": "2 < 3", "b": "1"}
    assert applied["metadata"]["annotations"][_ANNOTATION] == (
        '{"apiVersion":"apps/v1","data":{"a":"2 \\u003c 3"},"kind":"Web","metadata":{"name":"web"}}\n'
    )


class _TwoVersions:
    """`v2` calls the replicas `size`."""

    def __init__(self, first: Schema, second: Schema) -> None:
        self._schemas = {"apps/v1": first, "apps/v2": second}

    def schema(self, api_version: str) -> Schema | None:
        return self._schemas.get(api_version)

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        old, new = ("size", "replicas") if api_version == "apps/v1" else ("replicas", "size")
        spec = {new if key == old else key: value for key, value in (obj.get("spec") or {}).items()}
        return {**obj, "apiVersion": api_version, "spec": spec}


def test_managers_of_two_versions_share_an_object(schema: Schema, now: datetime) -> None:
    assert schema.properties is not None
    spec = Schema("object", properties={"size": Schema("integer"), "paused": Schema("boolean")})
    versions = _TwoVersions(schema, Schema("object", properties={**schema.properties, "spec": spec}))
    first, second = (FieldManager(version, "Web", versions) for version in ("apps/v1", "apps/v2"))
    live = first.on_apply(None, _config(spec={"replicas": 1}), Writer("one"), now)
    config = _config(apiVersion="apps/v2", spec={"size": 2})
    with pytest.raises(ApplyConflict, match=r"\.spec\.replicas$"):
        second.on_apply(versions.convert(live, "apps/v2"), config, Writer("two"), now)
    live = second.on_apply(versions.convert(live, "apps/v2"), config, Writer("two"), now, force=True)
    assert _fields(live) == {"two": {"f:spec": {"f:size": {}}}}
    config = _config(spec={"paused": True})
    live = first.on_apply(versions.convert(live, "apps/v1"), config, Writer("two"), now)
    assert live["spec"] == {"paused": True}
    assert _fields(live) == {"two": {"f:spec": {"f:paused": {}}}}


def test_field_that_became_atomic_is_owned_as_a_whole(schema: Schema, now: datetime) -> None:
    assert schema.properties is not None
    data = Schema("object", additional=Schema("string"), map_type="atomic")
    changed = Schema("object", properties={**schema.properties, "data": data})
    before, after = (
        FieldManager("apps/v1", "Web", OneVersion("apps/v1", version), reconciles=True) for version in (schema, changed)
    )
    live = before.on_apply(None, _config(data={"a": "1"}), Writer("one"), now)
    live = after.on_apply(live, _config(spec={"replicas": 1}), Writer("two"), now)
    assert _fields(live) == {"one": {"f:data": {}}, "two": {"f:spec": {"f:replicas": {}}}}
