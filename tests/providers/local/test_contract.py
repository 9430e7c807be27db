from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s.testing.contract import *  # noqa: F403
from cloudk8s_local.testing import LocalWorld
from tests.providers.local.test_traffic import has_ipv6


@pytest.fixture(params=["127.201.0.0/24", "127.201.0.0/24,::1/128"], ids=["IPv4", "both families"])
def world(request: pytest.FixtureRequest) -> Iterator[LocalWorld]:
    if "::1" in request.param and not has_ipv6():
        pytest.skip("this host has no IPv6 on its loopback interface")
    with LocalWorld(pool=request.param) as world:
        yield world
