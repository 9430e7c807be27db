"""Invariants of ownership, whatever managers do in whatever order."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloudk8s.machinery import codec
from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.compiler import Compiler
from cloudk8s.machinery.apply.conflict import ApplyConflict
from cloudk8s.machinery.apply.managers import FieldManager, Writer
from cloudk8s.machinery.schema import Schema

_TEXTS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)
# An empty keyed list is owned by nobody, upstream too, so there are none here.
_CONTAINERS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("pq")}, optional={"image": st.sampled_from("12"), "limits": _TEXTS}),
    min_size=1, max_size=3, unique_by=lambda item: str(item["name"]),
)  # fmt: skip
_SELECTORS = st.fixed_dictionaries({}, optional={"matchLabels": _TEXTS})
_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "data": _TEXTS,
        "spec": st.fixed_dictionaries(
            {}, optional={"replicas": st.integers(1, 2), "containers": _CONTAINERS, "selector": _SELECTORS}
        ),
    },
)
_ACTIONS = st.tuples(st.sampled_from(["apply", "force", "put"]), st.sampled_from(["one", "two", "three"]), _BODIES)
_META = {"apiVersion": "apps/v1", "kind": "Web", "metadata": {"name": "web"}}
_EMPTIED = {"f:data", "f:spec", "f:containers", "f:limits"}
"""Objects and lists that may be owned as such after all that was in them has gone, and they with it."""
_RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


def _run(manager: FieldManager, actions: list[Any], now: datetime) -> dict[str, Any]:
    live: dict[str, Any] = {**_META, "metadata": {"name": "web", "uid": "u"}}
    for step, (verb, name, body) in enumerate(actions):
        now += timedelta(seconds=step)
        live = _act(manager, live, verb, name, body, now)
    return live


def _act(manager: FieldManager, live: dict[str, Any], verb: str, name: str, body: Any, now: datetime) -> dict[str, Any]:
    before = codec.encode(live)
    if verb == "put":
        new = {**codec.copy(body), **_META, "metadata": {"name": "web", "uid": "u"}}
        entries = manager.on_update(live, new, Writer(name), now)
        result = {**new, "metadata": new["metadata"] | ({"managedFields": entries} if entries else {})}
    else:
        try:
            result = manager.on_apply(live, {**codec.copy(body), **_META}, Writer(name), now, force=verb == "force")
        except ApplyConflict:
            result = live
    assert codec.encode(live) == before, "the live object was changed"
    return result


@_RELAXED
@given(actions=st.lists(_ACTIONS, max_size=6))
def test_managers_own_only_what_is_there(
    manager: FieldManager, schema: Schema, now: datetime, actions: list[Any]
) -> None:
    live = _run(manager, actions, now)
    there = Compiler().type_of(schema).full(live)
    for entry in live["metadata"].get("managedFields", []):
        assert str(entry["fieldsV1"]) == str(fieldset.ordered(entry["fieldsV1"])), "not as upstream writes it"
        gone = fieldset.difference(entry["fieldsV1"], there)
        assert {path[-1] for path in fieldset.paths(gone)} <= _EMPTIED


def _unordered(tree: Any) -> Any:
    """The same whatever the order of keyed items: an apply that only orders them anew is no change."""
    if isinstance(tree, dict):
        return {key: _unordered(value) for key, value in tree.items()}
    if isinstance(tree, list):
        items = [_unordered(item) for item in tree]
        return (
            sorted(items, key=lambda item: str(item.get("name"))) if all(isinstance(i, dict) for i in items) else items
        )
    return tree


@_RELAXED
@given(actions=st.lists(_ACTIONS, max_size=5), body=_BODIES)
@example(
    actions=[("apply", "one", {"spec": {"containers": [{"name": "q"}, {"name": "p"}]}})],
    body={"spec": {"containers": [{"name": "p"}, {"name": "q"}]}},
)
def test_forced_apply_wins_and_applying_again_changes_nothing(
    manager: FieldManager, schema: Schema, now: datetime, actions: list[Any], body: Any
) -> None:
    live = _act(manager, _run(manager, actions, now), "force", "last", body, now)
    type = Compiler().type_of(schema)
    config = {**body, **_META}
    assert _unordered(type.merge(live, config)) == _unordered(live)
    wanted = fieldset.recursive_difference(
        type.applied(config) or {}, fieldset.of_fields("apiVersion", "kind", "metadata")
    )
    owned = {entry["manager"]: entry["fieldsV1"] for entry in live["metadata"].get("managedFields", [])}
    assert owned.get("last", {}) == wanted
    assert _act(manager, live, "apply", "last", body, now + timedelta(hours=1)) == live


@_RELAXED
@given(actions=st.lists(_ACTIONS, max_size=5), body=_BODIES)
def test_withdrawing_everything_leaves_what_others_own(
    manager: FieldManager, schema: Schema, now: datetime, actions: list[Any], body: Any
) -> None:
    before = _run(manager, actions, now)
    live = _act(manager, _act(manager, before, "force", "last", body, now), "apply", "last", {}, now)
    assert "last" not in {entry["manager"] for entry in live["metadata"].get("managedFields", [])}
    there = Compiler().type_of(schema).full(live)
    for entry in live["metadata"].get("managedFields", []):
        gone = fieldset.difference(entry["fieldsV1"], there)
        assert {path[-1] for path in fieldset.paths(gone)} <= _EMPTIED
