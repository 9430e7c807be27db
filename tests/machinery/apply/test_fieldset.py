from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery.apply import fieldset
from cloudk8s.machinery.apply.fieldset import FieldSet

_ELEMENTS = st.sampled_from(["f:a", "f:b", 'k:{"n":1}', 'v:"x"'])
_PATHS = st.lists(st.lists(_ELEMENTS, min_size=1, max_size=3).map(tuple), max_size=8)
_SETS = _PATHS.map(fieldset.of_paths)


def _members(fields: FieldSet) -> set[tuple[str, ...]]:
    return set(fieldset.paths(fields))


def test_bare_node_is_a_member_and_a_dot_makes_one_beside_children() -> None:
    fields = fieldset.of_paths([("f:a",), ("f:a", "f:b"), ("f:c", "f:d")])
    assert fields == {"f:a": {".": {}, "f:b": {}}, "f:c": {"f:d": {}}}
    assert fieldset.has(fields, ("f:a",))
    assert not fieldset.has(fields, ("f:c",))
    assert not fieldset.has(fields, ("f:c", "f:x"))


def test_paths_come_in_upstreams_order() -> None:
    fields = fieldset.of_paths([("f:b",), ("f:a", "f:z"), ("f:a", "f:c", "f:d"), ("f:c",)])
    assert list(fieldset.paths(fields)) == [("f:b",), ("f:c",), ("f:a", "f:z"), ("f:a", "f:c", "f:d")]


def test_recursive_difference_takes_what_is_below() -> None:
    fields = fieldset.of_fields("spec", "spec.replicas", "status.phase")
    assert fieldset.recursive_difference(fields, fieldset.of_fields("spec")) == fieldset.of_fields("status.phase")
    assert fieldset.recursive_difference(fields, fieldset.of_fields("spec.replicas")) == {
        "f:spec": {},
        "f:status": {"f:phase": {}},
    }


def test_leaves_are_members_with_nothing_below() -> None:
    assert fieldset.leaves({"f:a": {".": {}, "f:b": {}}, "f:c": {}}) == {"f:a": {"f:b": {}}, "f:c": {}}


def test_ordered_sorts_every_level() -> None:
    assert str(fieldset.ordered({"f:b": {"f:y": {}, ".": {}}, "f:a": {}})) == "{'f:a': {}, 'f:b': {'.': {}, 'f:y': {}}}"


@given(_PATHS)
def test_set_of_paths_has_just_these(paths: list[tuple[str, ...]]) -> None:
    assert _members(fieldset.of_paths(paths)) == set(paths)


@given(_SETS, _SETS)
def test_algebra_is_that_of_sets_of_paths(first: FieldSet, second: FieldSet) -> None:
    assert _members(fieldset.union(first, second)) == _members(first) | _members(second)
    assert _members(fieldset.difference(first, second)) == _members(first) - _members(second)
    assert _members(fieldset.intersection(first, second)) == _members(first) & _members(second)


@given(_SETS, _SETS)
def test_recursive_difference_is_that_of_sets_of_prefixes(first: FieldSet, second: FieldSet) -> None:
    kept = {path for path in _members(first) if not any(path[: len(gone)] == gone for gone in _members(second))}
    assert _members(fieldset.recursive_difference(first, second)) == kept


@given(_SETS, _SETS)
def test_a_set_has_one_spelling(first: FieldSet, second: FieldSet) -> None:
    for made in (
        fieldset.union(first, second),
        fieldset.difference(first, second),
        fieldset.intersection(first, second),
        fieldset.recursive_difference(first, second),
    ):
        assert made == fieldset.of_paths(fieldset.paths(made))
        assert _is_plain(made)
        assert str(made) == str(fieldset.ordered(made))


def _is_plain(node: dict[str, Any]) -> bool:
    return node.keys() != {"."} and all(_is_plain(below) for key, below in node.items() if key != ".")
