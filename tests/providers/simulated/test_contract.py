"""The simulated cloud fulfils the contracts: fast, and slow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s.testing.contract import *  # noqa: F403
from cloudk8s_simulated.testing import SimulatedWorld


@pytest.fixture(params=["fast", "slow"])
def world(request: pytest.FixtureRequest) -> Iterator[SimulatedWorld]:
    slow = {"balancer": 30.0, "network": 30.0, "volume": 5.0} if request.param == "slow" else {}
    with SimulatedWorld(**slow) as world:
        yield world
