"""The contract suite: what the core relies on, as tests that any provider runs against itself.

A provider's test module needs a `World` and one import::

    import pytest
    from cloudk8s.testing.contract import *  # collects every check
    from mycloud.testing import MyWorld

    @pytest.fixture
    def world():
        with MyWorld() as world:
            yield world

Checks of contracts that the provider does not offer are skipped, with that reason.
"""

from __future__ import annotations

import pytest

NOUNS = (
    "crashes", "instances", "load_balancers", "machines", "networks", "node_controller", "node_ipam", "node_lifecycle",
    "route_controller", "routes", "service_controller", "traffic", "volumes",
)  # fmt: skip
pytest.register_assert_rewrite(*(f"{__name__}.{noun}" for noun in NOUNS))

from cloudk8s.testing.contract.crashes import TestCrashes, TestCrashesOfMachines, TestCrashesOfRoutes  # noqa: E402
from cloudk8s.testing.contract.instances import TestInstances  # noqa: E402
from cloudk8s.testing.contract.load_balancers import TestLoadBalancers  # noqa: E402
from cloudk8s.testing.contract.machines import TestMachines  # noqa: E402
from cloudk8s.testing.contract.networks import TestNetworks  # noqa: E402
from cloudk8s.testing.contract.node_controller import TestNodeController  # noqa: E402
from cloudk8s.testing.contract.node_ipam import TestNodeIPAM  # noqa: E402
from cloudk8s.testing.contract.node_lifecycle import TestNodeLifecycle  # noqa: E402
from cloudk8s.testing.contract.route_controller import TestRouteController  # noqa: E402
from cloudk8s.testing.contract.routes import TestRoutes  # noqa: E402
from cloudk8s.testing.contract.service_controller import TestServiceController  # noqa: E402
from cloudk8s.testing.contract.traffic import TestTraffic  # noqa: E402
from cloudk8s.testing.contract.volumes import TestVolumes  # noqa: E402
from cloudk8s.testing.contract.world import World  # noqa: E402

__all__ = [
    "TestCrashes", "TestCrashesOfMachines", "TestCrashesOfRoutes", "TestInstances", "TestLoadBalancers",
    "TestMachines", "TestNetworks", "TestNodeController", "TestNodeIPAM", "TestNodeLifecycle", "TestRouteController",
    "TestRoutes", "TestServiceController", "TestTraffic", "TestVolumes", "World",
]  # fmt: skip
