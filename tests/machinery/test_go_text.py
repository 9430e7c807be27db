import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudk8s.machinery import go_text, json_syntax


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"spec": {"b": [1, "x"], "a": None}}, "map[spec:map[a:<nil> b:[1 x]]]"),
        (True, "true"), (1.5, "1.5"), (1000000.0, "1e+06"), (100000.0, "100000"),
        (0.00001, "1e-05"), (-1.25e10, "-1.25e+10"),
        (2.0, "2"), (0.0, "0"), (0.1, "0.1"),
    ],
)  # fmt: skip
def test_values_print_as_go_prints_them(value: object, text: str) -> None:
    assert go_text.format_value(value) == text


def test_quoting_uses_gos_escapes() -> None:
    assert go_text.quote('a"b\\c\n\x01é') == '"a\\"b\\\\c\\n\\x01é"'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "unexpected end of JSON input"),
        ("x", "invalid character 'x' looking for beginning of value"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ('{"a"}', "invalid character '}' after object key"),
        ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("[tru]", "invalid character ']' in literal true (expecting 'e')"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ('"\\x"', "invalid character 'x' in string escape code"),
        ('"\\u00g0"', "invalid character 'g' in \\u hexadecimal character escape"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.", "unexpected end of JSON input"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        ("01", "invalid character '1' after top-level value"),
        ("'a'", "invalid character '\\'' looking for beginning of value"),
        ('{"a":[1,{"b":null}]}', ""),
    ],
)
def test_syntax_errors_are_told_in_gos_words(text: str, problem: str) -> None:
    assert json_syntax.problem(text) == problem


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))  # fmt: skip
def test_good_json_has_no_problem(value: object) -> None:
    assert json_syntax.problem(json.dumps(value).encode()) == ""


@given(st.text(alphabet='{}[]",:truefalsn1.0e-+ \\u', max_size=12))
def test_bad_json_has_a_problem(text: str) -> None:
    try:
        json.loads(text, parse_constant=lambda name: _refuse(name))
    except ValueError:
        assert json_syntax.problem(text)
    else:
        assert not json_syntax.problem(text)


def _refuse(name: str) -> object:
    raise ValueError(name)
