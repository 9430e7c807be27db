"""An emulated AWS account, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s_aws.testing import AwsWorld
from tests.provisioning.aws.harness import AwsCloud


@pytest.fixture(scope="package")
def account() -> Iterator[AwsWorld]:
    with AwsWorld() as world:
        yield world
        world.reset()  # the emulator's memory is the process's: others begin with nothing


@pytest.fixture
def cloud(account: AwsWorld) -> AwsCloud:
    return AwsCloud(account.reset())
