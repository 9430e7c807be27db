"""Libcloud's EC2 driver against an emulator's server, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloudk8s_libcloud.testing import Ec2World


@pytest.fixture(scope="session")
def account() -> Iterator[Ec2World]:
    with Ec2World() as world:
        yield world


@pytest.fixture
def world(account: Ec2World) -> Ec2World:
    return account.reset()
