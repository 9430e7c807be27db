"""The page that builds a provider step by step is about the provider that is in the examples."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from cloudk8s.plugin import hookspecs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "providers.md").read_text()
EXAMPLE = ROOT / "examples" / "40-provider" / "mycloud"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def functions(text: str) -> dict[str, list[str]]:
    """Bodies by name, without annotations and docstrings."""
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    return {node.name: [ast.unparse(line) for line in node.body if not _is_docstring(line)] for node in found}


def test_there_is_something_to_read() -> None:
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_what_it_shows_is_what_the_example_has(block: str) -> None:
    theirs = functions((EXAMPLE / "plugin.py").read_text())
    for name, body in functions(block).items():
        assert hasattr(hookspecs, name), f"{name} is no hook"
        assert theirs[name] == body


def test_the_files_it_names_are_there() -> None:
    named = set(re.findall(r"`((?:cloudk8s|providers|examples)/[\w./-]+)`", PAGE))
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
