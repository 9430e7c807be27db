"""Runtimes by name, those of plugins among them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudk8s.errors import UserError
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.node.runtimes.catalog import make_runtime


def _vm(*arguments: Any, **given: Any) -> Any:
    raise AssertionError("nobody asked for it")


def test_a_plugin_brings_a_runtime(tmp_path: Path) -> None:
    made: list[Any] = []

    def firecracker(directory: Path, **given: Any) -> Any:
        made.append((directory, given["node_name"], given["endpoint"]))
        return made

    found: Any = make_runtime(
        "firecracker",
        tmp_path,
        node_name="n1",
        clock=FakeClock(),
        endpoint="e",
        others=lambda: {"firecracker": firecracker},
    )
    assert found is made
    assert made == [(tmp_path / "firecracker", "n1", "e")]


def test_plugins_are_not_asked_for_what_is_built_in(tmp_path: Path) -> None:
    def others() -> dict[str, Any]:
        raise AssertionError("loads all plugins")

    assert make_runtime("host", tmp_path, node_name="n1", clock=FakeClock(), others=others)


def test_an_unknown_runtime_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="known are: host, cri, vm"):
        make_runtime("hots", tmp_path, node_name="n1", clock=FakeClock(), others=lambda: {"vm": _vm})
