"""Every controller and every flag of the controllers has its place in the guides."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudk8s.cli.controller_flags import FLAGS
from cloudk8s.controllers.registry import BUILT_IN

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = "\n".join(page.read_text() for page in (DOCS / "controllers").glob("*.md"))


@pytest.mark.parametrize("name", [name for name, _ in BUILT_IN])
def test_every_controller_is_described(name: str) -> None:
    assert f"`{name}`" in GUIDES


@pytest.mark.parametrize("flag", FLAGS.values())
def test_every_flag_is_named_where_its_controller_is(flag: str) -> None:
    assert f"`--{flag}`" in GUIDES
