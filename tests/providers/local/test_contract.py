from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s.testing.contract import *  # noqa: F403
from cloudk8s_local.testing import LocalWorld


@pytest.fixture
def world() -> Iterator[LocalWorld]:
    with LocalWorld() as world:
        yield world
