import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import merge_patch
from cloudk8s.machinery.merge_patch import PatchFormatError


@pytest.mark.parametrize(
    ("document", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": "x"}, {"a": {"b": None, "c": [None, {"d": None}]}}, {"a": {"c": [None, {}]}}),
    ],
)
def test_merging_follows_the_rfc(document: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge_patch.apply(document, patch) == merged


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b"5", "json: cannot unmarshal number into Go value of type map[string]interface {}"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"{", "unexpected end of JSON input"),
        (b"null", "Invalid JSON Patch"),
    ],
)
def test_body_that_is_no_patch_is_refused_in_upstreams_words(body: bytes, message: str) -> None:
    with pytest.raises(PatchFormatError) as caught:
        merge_patch.decode(body)
    assert str(caught.value).removeprefix("error decoding patch: ") == message
    assert str(caught.value).startswith("error decoding patch: ") is (body != b"null")


_JSON = st.recursive(
    st.none() | st.integers(-3, 3) | st.text("xy", max_size=2),
    lambda inner: st.lists(st.integers(), max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.sampled_from("abc"), _JSON, max_size=3)


@given(_OBJECTS, _OBJECTS)
def test_merging_twice_changes_nothing_more(document: dict[str, Any], patch: dict[str, Any]) -> None:
    before = copy.deepcopy(document), copy.deepcopy(patch)
    once = merge_patch.apply(document, patch)
    assert merge_patch.apply(once, patch) == once
    assert (document, patch) == before


@given(_OBJECTS)
def test_empty_patch_changes_nothing(document: dict[str, Any]) -> None:
    assert merge_patch.apply(document, {}) == document
