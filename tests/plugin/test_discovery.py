"""Discovery: entry points in a stable order, ours first."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

from cloudk8s.plugin.discovery import BUNDLED, find_plugins


def test_the_checkout_list_is_the_entry_points_of_the_distribution() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["cloudk8s"] == BUNDLED


def test_plugins_are_sorted_by_distribution_and_name() -> None:
    points = [EntryPoint(name, f"{name}.plugin", "cloudk8s") for name in ("zeta", "alpha")]
    assert [candidate.name for candidate in find_plugins(points)] == ["alpha", "zeta"]
