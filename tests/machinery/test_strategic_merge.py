import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import strategic_merge
from cloudk8s.machinery.schema import Schema
from cloudk8s.machinery.strategic_merge import MergeError, PatchFormatError


def _struct(**properties: Schema) -> Schema:
    return Schema("object", properties=properties)


def _merging(items: Schema, key: str = "") -> Schema:
    return Schema("array", items=items, patch_strategy=frozenset({"merge"}), patch_merge_key=key)


_TEXT = Schema("string")
_ENV = _struct(name=_TEXT, value=_TEXT)
_PORT = _struct(containerPort=Schema("integer"), protocol=_TEXT, name=_TEXT)
_CONTAINER = _struct(
    name=_TEXT, image=_TEXT, env=_merging(_ENV, "name"), ports=_merging(_PORT, "containerPort"),
    command=Schema("array", items=_TEXT),
)  # fmt: skip
_STRATEGY = Schema(
    "object", properties={"type": _TEXT, "rollingUpdate": _struct()}, patch_strategy=frozenset({"retainKeys"})
)
_METADATA = _struct(finalizers=_merging(_TEXT), labels=Schema("object", additional=_TEXT))
_SCHEMA = _struct(
    metadata=_METADATA,
    spec=_struct(
        containers=_merging(_CONTAINER, "name"), strategy=_STRATEGY, rules=Schema("array", items=_struct()),
        selector=Schema("object", properties={"app": _TEXT}, patch_strategy=frozenset({"replace"})),
    ),
)  # fmt: skip


def _patched(spec: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(spec), copy.deepcopy(patch)
    result: dict[str, Any] = strategic_merge.apply({"spec": spec}, {"spec": patch}, _SCHEMA)["spec"]
    assert (spec, patch) == before
    return result


def _names(spec: dict[str, Any]) -> list[str]:
    return [container["name"] for container in spec["containers"]]


_TWO = {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}


def test_list_elements_merge_by_key() -> None:
    patched = _patched(_TWO, {"containers": [{"name": "b", "image": "b:2"}]})
    assert patched == {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:2"}]}


def test_new_elements_stand_before_those_only_the_server_has() -> None:
    assert _names(_patched(_TWO, {"containers": [{"name": "c", "image": "c"}]})) == ["c", "a", "b"]


def test_elements_of_the_patch_keep_their_order_and_server_only_ones_are_woven_in() -> None:
    spec = {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}]}
    patched = _patched(spec, {"containers": [{"name": "a", "env": [{"name": "X", "value": "9"}, {"name": "Z"}]}]})
    assert [item["name"] for item in patched["containers"][0]["env"]] == ["X", "Z", "Y"]


def test_element_is_deleted_by_directive() -> None:
    assert _names(_patched(_TWO, {"containers": [{"name": "a", "$patch": "delete"}]})) == ["b"]
    assert _names(_patched(_TWO, {"containers": [{"name": "nope", "$patch": "delete"}]})) == ["a", "b"]


def test_list_is_replaced_by_directive() -> None:
    assert _names(_patched(_TWO, {"containers": [{"$patch": "replace"}, {"name": "z"}]})) == ["z"]


def test_list_without_strategy_is_replaced() -> None:
    assert _patched({"rules": [{"x": 1}]}, {"rules": [{"y": 2}]}) == {"rules": [{"y": 2}]}


def test_map_with_replace_strategy_is_replaced() -> None:
    assert _patched({"selector": {"app": "a", "x": "y"}}, {"selector": {"app": "b"}}) == {"selector": {"app": "b"}}


def test_null_removes_and_new_values_carry_no_nulls() -> None:
    assert _patched({"a": 1}, {"a": None}) == {}
    assert _patched({}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


def test_directives_in_what_is_new_vanish() -> None:
    assert _patched({}, {"a": {"$patch": "delete"}, "containers": [{"name": "x", "$patch": "delete"}]}) == {
        "containers": []
    }


def test_primitive_list_unites_with_the_patch_first() -> None:
    document = {"metadata": {"finalizers": ["a", "b"]}}
    patched = strategic_merge.apply(document, {"metadata": {"finalizers": ["c", "a"]}}, _SCHEMA)
    assert patched["metadata"]["finalizers"] == ["c", "a", "b"]


def test_primitives_are_deleted_by_directive() -> None:
    document = {"metadata": {"finalizers": ["a", "b"]}}
    patched = strategic_merge.apply(
        document, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a", "x"]}}, _SCHEMA
    )
    assert patched["metadata"]["finalizers"] == ["b"]
    patched = strategic_merge.apply(
        {"metadata": {}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}, _SCHEMA
    )
    assert patched == {"metadata": {}}


def test_order_is_set_by_directive() -> None:
    assert _names(_patched(_TWO, {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]})) == ["b", "a"]
    patch = {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "n"}, {"name": "b"}],
        "containers": [{"name": "n", "image": "n"}],
    }
    assert _names(_patched(_TWO, patch)) == ["a", "n", "b"]


def test_retain_keys_drops_the_others() -> None:
    patched = _patched(
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}},
        {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}},
    )
    assert patched == {"strategy": {"type": "Recreate"}}


def test_object_is_deleted_or_replaced_by_directive() -> None:
    assert _patched({"strategy": {"type": "x"}}, {"strategy": {"$patch": "delete"}}) == {"strategy": {}}
    assert _patched({"strategy": {"type": "x", "a": 1}}, {"strategy": {"$patch": "replace", "type": "y"}}) == {
        "strategy": {"type": "y"}
    }


@pytest.mark.parametrize(
    ("patch", "message", "code"),
    [
        ({"containers": [{"image": "x"}]}, "map: map[image:x] does not contain declared merge key: name", 500),
        ({"containers": [{"name": "a", "ports": [{"name": "x"}]}]},
         "map: map[name:x] does not contain declared merge key: containerPort", 500),
        ({"containers": [5]}, "list element types are not identical: "
                              "[[map[name:a ports:[map[containerPort:80]]]] [5]]", 500),
        ({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "q", "image": "n"}]},
         "The order in patch list:\n[map[image:n name:q]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
         500),
        ({"$setElementOrder/containers": "x"}, "expected a []interface {}, but received a string", 500),
        ({"strategy": {"$retainKeys": "x"}}, "invalid patch format of retainKeys", 400),
        ({"strategy": {"$retainKeys": [], "type": "x"}}, "invalid patch format of retainKeys", 400),
        ({"$setElementOrder": []}, "invalid patch format of setElementOrder list", 400),
        ({"$deleteFromPrimitiveList": []}, "invalid patch format of primitive list", 400),
        ({"strategy": {"$patch": "x"}}, "unknown patch type: x in map: map[$patch:x]", 500),
        ({"containers": [{"name": "a", "$patch": "merge"}]},
         "merging lists cannot yet be specified in the patch", 500),
        ({"containers": [[]]}, "lists of lists are not supported", 422),
    ],
)  # fmt: skip
def test_bad_patch_is_refused_in_upstreams_words(patch: dict[str, Any], message: str, code: int) -> None:
    spec = {"containers": [{"name": "a", "ports": [{"containerPort": 80}]}], "strategy": {"type": "x"}}
    with pytest.raises(MergeError) as caught:
        strategic_merge.apply({"spec": spec}, {"spec": patch}, _SCHEMA)
    assert str(caught.value) == message
    assert caught.value.code == code


def test_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(PatchFormatError, match="cannot unmarshal array into Go value of type map"):
        strategic_merge.decode(b"[]")
    assert strategic_merge.decode(b"null") == {}


_ELEMENTS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("abcde")}, optional={"image": st.sampled_from("xy")}),
    unique_by=lambda item: item["name"], max_size=5,
)  # fmt: skip


@given(_ELEMENTS, _ELEMENTS)
def test_merged_list_has_every_name_once_in_the_patchs_order(live: list[Any], patch: list[Any]) -> None:
    names = _names(_patched({"containers": live}, {"containers": patch}))
    assert sorted(names) == sorted({item["name"] for item in live + patch})
    wanted = [item["name"] for item in patch]
    assert [name for name in names if name in wanted] == wanted
    others = [item["name"] for item in live if item["name"] not in wanted]
    assert [name for name in names if name not in wanted] == others


@given(_ELEMENTS, _ELEMENTS)
def test_merging_twice_changes_nothing_more(live: list[Any], patch: list[Any]) -> None:
    once = _patched({"containers": live}, {"containers": patch})
    twice = _patched(once, {"containers": patch})
    assert sorted(map(str, twice["containers"])) == sorted(map(str, once["containers"]))
