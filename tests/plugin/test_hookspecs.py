"""Every hook is documented by one template."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from cloudk8s.plugin import hookspecs

PARTS = ["When:", "Do:", "Parameters:", "Result:", "Since:", "Example::"]
HOOKS = [value for name, value in vars(hookspecs).items() if hasattr(value, "cloudk8s_spec")]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: str(hook.__name__))
def test_every_hook_says_when_what_and_since(hook: Callable[..., Any]) -> None:
    text = inspect.getdoc(hook) or ""
    places = [text.find(f"\n{part}") for part in PARTS]
    assert -1 not in places, f"{hook.__name__} lacks {PARTS[places.index(-1)]}"
    assert places == sorted(places)


def test_there_is_a_hook_for_every_contract() -> None:
    names = {hook.__name__ for hook in HOOKS}
    contracts = ("instances", "routes", "load_balancers", "machines", "networks", "volumes", "settings")
    assert {f"cloudk8s_{name}" for name in contracts} <= names
