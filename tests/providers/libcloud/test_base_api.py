"""A driver with nothing but libcloud's base API fulfils the contract of load balancers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s.testing.contract import TestCrashes, TestLoadBalancers, TestServiceController, TestTraffic  # noqa: F401
from tests.providers.libcloud.base_api import BaseApiWorld


@pytest.fixture
def world() -> Iterator[BaseApiWorld]:
    with BaseApiWorld() as world:
        yield world
