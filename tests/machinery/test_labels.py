import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import labels
from cloudk8s.machinery.labels import SelectorError


@pytest.mark.parametrize(
    ("selector", "selected", "rejected"),
    [
        ("a=b", {"a": "b"}, {"a": "c"}),
        ("a==b", {"a": "b"}, {}),
        ("a!=b", {}, {"a": "b"}),
        ("a in (b,c)", {"a": "c"}, {"a": "d"}),
        ("a notin (b, c)", {"a": "d"}, {"a": "b"}),
        ("a", {"a": ""}, {"b": "a"}),
        ("!a", {"b": "1"}, {"a": ""}),
        ("a>1", {"a": "2"}, {"a": "1"}),
        ("a<1", {"a": "0"}, {"a": "x"}),
        ("a=", {"a": ""}, {"a": "1"}),
        ("a in (,b)", {"a": ""}, {"a": "c"}),
        ("in=notin", {"in": "notin"}, {}),
        ("x/y=1,b", {"x/y": "1", "b": ""}, {"x/y": "1"}),
        ("", {}, None),
        ("  a = b , c ", {"a": "b", "c": "1"}, {"a": "b"}),
    ],
)
def test_text_selects_by_upstreams_meaning(
    selector: str, selected: dict[str, str], rejected: dict[str, str] | None
) -> None:
    compiled = labels.parse(selector)
    assert compiled.matches(selected)
    assert rejected is None or not compiled.matches(rejected)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a b=c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("n===1", "unable to parse requirement: found '=', expected: identifier"),
        ("n in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("n in a", "unable to parse requirement: found 'a' expected: '('"),
        ("n>abc", "unable to parse requirement: values[0]: Invalid value: \"abc\": "
                  "for 'Gt', 'Lt' operators, the value must be an integer"),
        ("a,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("!a=b", "found '=', expected: ',' or 'end of string'"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        ("/x=1", "unable to parse requirement: <nil>: Invalid value: \"/x\": prefix part must be non-empty"),
    ],
)  # fmt: skip
def test_bad_text_is_refused_in_upstreams_words(selector: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        labels.parse(selector)
    assert str(caught.value) == message


def test_long_value_names_its_place() -> None:
    with pytest.raises(SelectorError) as caught:
        labels.parse("n=" + "v" * 64)
    assert str(caught.value) == (
        f'unable to parse requirement: values[0][n]: Invalid value: "{"v" * 64}": must be no more than 63 bytes'
    )


def test_object_selects_by_labels_and_expressions() -> None:
    selector = labels.from_object(
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]}
    )
    assert selector.matches({"app": "web"})
    assert not selector.matches({"app": "web", "tier": "db"})
    assert str(selector) == "app=web,tier notin (db)"


def test_null_object_selects_nothing_and_empty_object_everything() -> None:
    assert labels.from_object(None).is_nothing
    assert not labels.from_object(None).matches({})
    assert labels.from_object({}).is_everything
    assert labels.from_object({}).matches(None)


def test_object_with_unknown_operator_is_refused() -> None:
    with pytest.raises(SelectorError, match='"Near" is not a valid label selector operator'):
        labels.from_object({"matchExpressions": [{"key": "a", "operator": "Near"}]})


_KEYS = st.sampled_from(["a", "b", "x.example/c"])
_VALUES = st.sampled_from(["", "1", "2", "red"])
_SETS = st.lists(st.sampled_from(["1", "2", "red"]), min_size=1)
_TERMS = st.one_of(
    st.builds(lambda key, value: labels.requirement(key, "=", [value]), _KEYS, _VALUES),
    st.builds(lambda key, value: labels.requirement(key, "!=", [value]), _KEYS, _VALUES),
    st.builds(lambda key, values: labels.requirement(key, "in", values), _KEYS, _SETS),
    st.builds(lambda key, values: labels.requirement(key, "notin", values), _KEYS, _SETS),
    st.builds(lambda key: labels.requirement(key, "exists"), _KEYS),
    st.builds(lambda key: labels.requirement(key, "!"), _KEYS),
)


@given(st.lists(_TERMS, max_size=4), st.dictionaries(_KEYS, _VALUES))
def test_printed_selector_means_the_same(terms: list[labels.Requirement], carried: dict[str, str]) -> None:
    selector = labels.Selector(terms)
    again = labels.parse(str(selector))
    assert str(again) == str(selector)
    assert again.matches(carried) == selector.matches(carried) == all(term.matches(carried) for term in terms)


@given(st.text(alphabet="ab=!(),<> in", max_size=12))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(SelectorError):
        labels.parse(text).matches({"a": "1"})
