"""YAML is read with go-yaml's eyes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery.go_yaml import YamlProblem, encode, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: yes", {"a": True}),
        ("a: off", {"a": False}),
        ("a: 'yes'", {"a": "yes"}),
        ("a: !!str yes", {"a": "yes"}),
        ("a: 0644", {"a": 420}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1_000", {"a": 1000}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1e3", {"a": 1000}),
        ("a: 1e20", {"a": 1e20}),
        ("a: 100000000000000000000", {"a": 1e20}),
        ("a: 1e400", {"a": "1e400"}),
        ("a: " + "9" * 5000, {"a": "9" * 5000}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: 1.2.3", {"a": "1.2.3"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("1: x\ntrue: y", {"1": "x", "true": True}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}", {"a": {"b": 1, "d": 2}, "c": {"b": 3, "d": 2}}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: !!binary aGk=", {"a": "hi"}),
        ("a: 1\n---\nb: 2", {"a": 1}),
        ("", None),
        ("- 1\n- x", [1, "x"]),
    ],
)
def test_values_are_go_yamls(text: str, value: Any) -> None:
    assert parse(text.encode()).tree == value


def test_duplicates_are_told_with_their_line() -> None:
    document = parse(b"a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert document.tree == {"a": 3, "b": {"c": 2}}
    assert document.duplicates == ('line 4: key "c" already set in map', 'line 5: key "a" already set in map')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\nc:\n\td: 1", "yaml: line 3: found character that cannot start any token"),
        ("a: [1", "yaml: line 1: did not find expected ',' or ']'"),
        ("a: .nan", "json: unsupported value: NaN"),
        ("? {a: 1}\n: 2", "unsupported map key of type: map"),
        ("a: &x [*x]", "yaml: anchor value contains itself"),
    ],
)
def test_problems_are_told_in_go_yamls_words(text: str, message: str) -> None:
    with pytest.raises(YamlProblem) as caught:
        parse(text.encode())
    assert str(caught.value) == message


def test_aliases_cannot_blow_a_document_up() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlProblem, match="excessive aliasing"):
        parse("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [1, {"c": None}], "a": {}}, "a: {}\nb:\n- 1\n- c: null\n"),
        ({"a": "x"}, "a: x\n"),
        ({"a": "1"}, 'a: "1"\n'),
        ({"a": "yes"}, 'a: "yes"\n'),
        ({"a": ""}, 'a: ""\n'),
        ({"a": "12:30"}, 'a: "12:30"\n'),
        ({"a": "b: c"}, "a: 'b: c'\n"),
        ({"a": "x\n\ny"}, "a: |-\n  x\n\n  y\n"),
        ({"a": "x\n"}, "a: |\n  x\n"),
        ({"a": True, "b": 1.5}, "a: true\nb: 1.5\n"),
        ({"a": "é" * 100}, f"a: {'é' * 100}\n"),
        ([], "[]\n"),
    ],
)
def test_texts_are_laid_out_as_go_yaml_does(value: Any, text: str) -> None:
    assert encode(value).decode() == text
    assert parse(text.encode()).tree == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_is_written_reads_back(value: Any) -> None:
    assert parse(encode(value)).tree == value


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05Z", "2026-01-02", "1:30"])
def test_texts_that_old_parsers_take_for_something_else_are_in_double_quotes(text: str) -> None:
    assert encode({"a": text}) == f'a: "{text}"\n'.encode()


@pytest.mark.parametrize("text", ["- " * 50_000, "- " * 600, "[" * 50_000, "{a: " * 50_000, "? " * 50_000])
def test_what_nests_too_deeply_is_refused_before_the_library_makes_nodes_of_it(text: str) -> None:
    """The library recurses on the C stack, so that a small document would end the whole process."""
    with pytest.raises(YamlProblem, match="exceeded max depth"):
        parse(text.encode())


def test_deep_enough_for_every_object() -> None:
    tree = parse(b"- " * 300 + b"a").tree
    for _ in range(300):
        [tree] = tree
    assert tree == "a"


def test_chains_of_aliases_do_not_recurse_without_end() -> None:
    links = "".join(f"a{number}: &a{number} [*a{number - 1}]\n" for number in range(1, 2000))
    with pytest.raises(YamlProblem, match="excessive aliasing"):
        parse(b"a0: &a0 [x]\n" + links.encode())


def test_many_uses_of_one_alias_are_fine() -> None:
    tree = parse(b"a: &a {k: [1, 2, 3]}\nb:\n" + b"- *a\n" * 300).tree
    assert tree["b"] == [{"k": [1, 2, 3]}] * 300
