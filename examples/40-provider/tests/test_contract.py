"""Mycloud fulfils the contracts that it offers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cloudk8s.testing.contract import *  # noqa: F403

from mycloud.testing import MycloudWorld


@pytest.fixture
def world() -> Iterator[MycloudWorld]:
    with MycloudWorld() as world:
        yield world
