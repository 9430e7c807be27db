"""The AWS provider fulfils the contracts, on moto in process."""

from __future__ import annotations

import pytest

from cloudk8s.cloud.interface import Networks
from cloudk8s.testing.contract import *  # noqa: F403
from cloudk8s.testing.contract import networks
from cloudk8s.testing.contract.world import World


class TestNetworks(networks.TestNetworks):
    @pytest.mark.slow  # half a minute; tests/provisioning/aws/test_faults.py crashes after the same calls
    def test_a_crash_after_any_call_converges(self, world: World, networks: Networks) -> None:
        super().test_a_crash_after_any_call_converges(world, networks)
