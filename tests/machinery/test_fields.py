import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import fields
from cloudk8s.machinery.fields import SelectorError


def test_terms_are_joined_by_and() -> None:
    selector = fields.parse("metadata.name=web,status.phase!=Running")
    assert selector.matches({"metadata.name": "web", "status.phase": "Pending"})
    assert not selector.matches({"metadata.name": "web", "status.phase": "Running"})
    assert selector.fields == ("metadata.name", "status.phase")


def test_double_equals_is_equals() -> None:
    assert fields.parse("a==b").matches({"a": "b"})


def test_absent_field_is_empty() -> None:
    assert fields.parse("spec.nodeName=").matches({})
    assert fields.parse("spec.nodeName!=n").matches({})


def test_exact_value_is_found_for_equality_only() -> None:
    selector = fields.parse("metadata.name=web,metadata.namespace!=x")
    assert selector.exact("metadata.name") == "web"
    assert selector.exact("metadata.namespace") is None


def test_empty_text_and_empty_terms_select_everything() -> None:
    assert fields.parse("").is_everything
    assert fields.parse(",").is_everything


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=b\x", r"invalid field selector: invalid escape sequence: \x"),
    ],
)
def test_bad_text_is_refused_in_upstreams_words(selector: str, message: str) -> None:
    with pytest.raises(SelectorError) as caught:
        fields.parse(selector)
    assert str(caught.value) == message


@given(st.dictionaries(st.sampled_from(["a", "b.c"]), st.text(max_size=8), max_size=2))
def test_escaped_values_read_back(values: dict[str, str]) -> None:
    text = ",".join(f"{field}={fields.escape(value)}" for field, value in values.items())
    selector = fields.parse(text)
    assert {term.field: term.value for term in selector.terms} == values
    assert selector.matches(values)
    assert fields.parse(str(selector)) == selector
