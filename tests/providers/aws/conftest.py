"""An AWS account on moto, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s_aws.testing import AwsWorld


@pytest.fixture(scope="session")
def account() -> Iterator[AwsWorld]:
    with AwsWorld() as world:
        yield world


@pytest.fixture
def world(account: AwsWorld) -> AwsWorld:
    return account.reset()
