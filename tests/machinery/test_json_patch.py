import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import json_patch
from cloudk8s.machinery.json_patch import PatchError, PatchFormatError, PatchTooLargeError

_CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"a": "1"}}


@pytest.mark.parametrize(
    ("operation", "data"),
    [
        ({"op": "add", "path": "/data/b", "value": "2"}, {"a": "1", "b": "2"}),
        ({"op": "add", "path": "/data/q"}, {"a": "1", "q": None}),
        ({"op": "replace", "path": "/data/nope", "value": "1"}, {"a": "1", "nope": "1"}),
        ({"op": "copy", "from": "/data/a", "path": "/data/b"}, {"a": "1", "b": "1"}),
        ({"op": "copy", "from": "/data/zz", "path": "/data/b"}, {"a": "1", "b": None}),
        ({"op": "move", "from": "/data/a", "path": "/data/c"}, {"c": "1"}),
        ({"op": "remove", "path": "/data/a"}, {}),
        ({"op": "test", "path": "/data/a", "value": "1"}, {"a": "1"}),
        ({"op": "test", "path": "/data/nope", "value": None}, {"a": "1"}),
        ({"op": "add", "path": "/data/x~1y~0z", "value": "1"}, {"a": "1", "x/y~z": "1"}),
    ],
)
def test_operation_changes_the_document_as_upstream_does(operation: dict[str, Any], data: dict[str, Any]) -> None:
    assert json_patch.apply(_CONFIG, [operation])["data"] == data


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "nope", "path": "/data/a"}, "Unexpected kind: nope"),
        ({}, "Unexpected kind: unknown"),
        ({"op": "add", "value": "x"}, "add operation failed to decode path: missing value"),
        ({"op": "add", "path": "/spec/x", "value": "1"},
         'add operation does not apply: doc is missing path: "/spec/x": missing value'),
        ({"op": "remove", "path": "/data/nope"},
         "error in remove for path: '/data/nope': Unable to remove nonexistent key: nope: missing value"),
        ({"op": "remove", "path": "/metadata/labels/x"},
         'remove operation does not apply: doc is missing path: "/metadata/labels/x": missing value'),
        ({"op": "move", "from": "/data/zz", "path": "/data/c"},
         "error in move for path: 'zz': Unable to remove nonexistent key: zz: missing value"),
        ({"op": "test", "path": "/data/a", "value": "2"}, "testing value /data/a failed: test failed"),
        ({"op": "test", "path": "/data/nope", "value": "1"}, "testing value /data/nope failed: test failed"),
    ],
)  # fmt: skip
def test_operation_that_does_not_apply_is_refused_in_upstreams_words(operation: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchError) as caught:
        json_patch.apply(_CONFIG, [operation])
    assert str(caught.value) == message


def test_path_without_leading_slash_drops_its_first_element() -> None:
    assert json_patch.apply(_CONFIG, [{"op": "add", "path": "data/x", "value": "1"}])["x"] == "1"


def test_root_can_be_replaced_by_an_object_only() -> None:
    assert json_patch.apply(_CONFIG, [{"op": "replace", "path": "", "value": {"z": 1}}]) == {"z": 1}
    assert json_patch.apply(_CONFIG, [{"op": "replace", "path": "", "value": 5}]) == _CONFIG


def test_list_indices_count_from_both_ends() -> None:
    document = {"items": [1, 2, 3]}
    assert json_patch.apply(document, [{"op": "add", "path": "/items/-", "value": 4}])["items"] == [1, 2, 3, 4]
    assert json_patch.apply(document, [{"op": "add", "path": "/items/0", "value": 0}])["items"] == [0, 1, 2, 3]
    assert json_patch.apply(document, [{"op": "remove", "path": "/items/-1"}])["items"] == [1, 2]
    with pytest.raises(PatchError, match="Unable to access invalid index: 5: invalid index referenced"):
        json_patch.apply(document, [{"op": "remove", "path": "/items/5"}])
    with pytest.raises(PatchError, match=r'strconv\.Atoi: parsing "x": invalid syntax'):
        json_patch.apply(document, [{"op": "replace", "path": "/items/x", "value": 1}])


def test_test_operation_tells_numbers_from_booleans() -> None:
    with pytest.raises(PatchError):
        json_patch.apply({"a": 1}, [{"op": "test", "path": "/a", "value": True}])
    with pytest.raises(PatchError):
        json_patch.apply({"a": {"b": [1]}}, [{"op": "test", "path": "/a", "value": {"b": [1.0]}}])


def test_objects_that_were_gone_through_come_back_sorted() -> None:
    patched = json_patch.apply(
        {"z": {"b": 1, "a": 2}, "y": {"b": 1, "a": 2}}, [{"op": "add", "path": "/z/c", "value": 0}]
    )
    assert list(patched) == ["y", "z"]
    assert list(patched["z"]) == ["a", "b", "c"]
    assert list(patched["y"]) == ["b", "a"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"data": {}}', "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"[", "unexpected end of JSON input"),
        (b"[5]", "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        (b'[{"op": 5}]', "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
    ],
)
def test_body_that_is_no_patch_is_refused_in_upstreams_words(body: bytes, message: str) -> None:
    with pytest.raises(PatchFormatError) as caught:
        json_patch.decode(body)
    assert str(caught.value) == f"error decoding patch: {message}"


def test_patch_of_too_many_operations_is_refused() -> None:
    with pytest.raises(PatchTooLargeError, match="maximum operations in a JSON patch is 10000, got 10001"):
        json_patch.decode(b"[" + b",".join([b"{}"] * 10_001) + b"]")


def test_copies_are_bounded() -> None:
    document = {"a": "x" * 1024 * 1024}
    copies = [{"op": "copy", "from": "/a", "path": f"/b{index}"} for index in range(4)]
    with pytest.raises(PatchError, match="the accumulated size increase of copy is"):
        json_patch.apply(document, copies)


_KEYS = st.sampled_from(["a", "b", "c~", "d/e"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(_KEYS, _JSON, max_size=4)


@given(_OBJECTS, _OBJECTS)
def test_patch_made_by_another_library_leads_to_its_target(source: dict[str, Any], target: dict[str, Any]) -> None:
    before = copy.deepcopy(source)
    operations = list(jsonpatch.make_patch(source, target))
    assert json_patch.apply(source, operations) == target
    assert source == before


@st.composite
def _operations(draw: st.DrawFn) -> dict[str, Any]:
    path = "".join(
        f"/{draw(st.sampled_from(['a', 'b', 'c~0', 'd~1e', '0', '1']))}" for _ in range(draw(st.integers(1, 3)))
    )
    return {"op": draw(st.sampled_from(["add", "remove", "test"])), "path": path, "value": draw(_JSON)}


@given(_OBJECTS, st.lists(_operations(), max_size=4))
def test_operations_do_what_another_library_does_with_them(
    document: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    before = copy.deepcopy(document)
    try:
        expected = jsonpatch.apply_patch(document, operations)
    except jsonpatch.JsonPatchException:
        return
    except jsonpatch.JsonPointerException:
        return
    try:
        assert json_patch.apply(document, operations) == expected
    except PatchError:
        assert any(operation["op"] == "test" for operation in operations)
    assert document == before
