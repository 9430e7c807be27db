from __future__ import annotations

from typing import Any

import pytest

from cloudk8s.machinery.expressions import ExpressionError, compile_expression

SCOPE = {"self": {"name": "web", "count": 7, "labels": {"a": "1"}, "items": [1, 2], "on": True}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("7.0 / 2", 3.5),
        ("1 - -1", 2),
        ("self.count - 1 == 6 && self.count * 2 > 13", True),
        ("self.name + '/' + self.labels['a']", "web/1"),
        ("[1] + self.items", [1, 1, 2]),
        ("'a' in self.labels ? self.labels['a'] : 'none'", "1"),
        ("has(self.none) || !self.on", False),
        ("self.name.upperAscii().replace('W', 'v').size()", 3),
        ("double('1.5')", 1.5),
        ("string(self.on) + string(7) + string(2.0) + string(2.5)", "true722.5"),
    ],
)
def test_values(text: str, value: Any) -> None:
    assert compile_expression(text)(SCOPE) == value


@pytest.mark.parametrize(
    "text", ["1 + 'a'", "'a' * 3", "self.on + 1", "1 / 0", "7 % 0", "self.none", "self.items[9]", "int('x')"]
)
def test_what_has_no_value(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)(SCOPE)


@pytest.mark.parametrize("text", ["1 +", "* 2", "a b", "unheard(1)", "self.unheard()", "(1", "1 ? 2"])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)
