"""Settings become an account, and the account becomes contracts; all contracts of one cloud share one account."""

from __future__ import annotations

import time

from cloudk8s.cloud.stack.balancing import StackLoadBalancers
from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import SystemTimer, Timer
from cloudk8s.plugin import Cloud
from cloudk8s.testing.faults import Faults
from cloudk8s_simulated.cloud.account import Account
from cloudk8s_simulated.cloud.instances import SimulatedInstances
from cloudk8s_simulated.cloud.load_balancers import make_load_balancers, resource_types
from cloudk8s_simulated.cloud.machines import SimulatedMachines
from cloudk8s_simulated.cloud.networks import SimulatedNetworks
from cloudk8s_simulated.cloud.routes import SimulatedRoutes
from cloudk8s_simulated.cloud.volumes import SimulatedVolumes
from cloudk8s_simulated.settings import SimulatedSettings


def account_of(cloud: Cloud[SimulatedSettings]) -> Account:
    """The account of a configured cloud, made when it is first asked for."""
    settings = cloud.settings
    if settings.account is None:
        faults = Faults(settings.seed, settings.latency, settings.throttled, settings.lost, pause=time.sleep)
        settings.use(
            Account(
                now=lambda: cloud.clock.now().timestamp(), faults=faults, lag=settings.lag,
                ready_after=settings.ready_after, limits=settings.limits, state_file=settings.state_file,
            )
        )  # fmt: skip
    assert settings.account is not None
    return settings.account


def instances(cloud: Cloud[SimulatedSettings]) -> SimulatedInstances:
    settings = cloud.settings
    return SimulatedInstances(
        account_of(cloud), region=settings.region, zones=settings.zones, any_node=settings.any_node
    )


def routes(cloud: Cloud[SimulatedSettings]) -> SimulatedRoutes:
    return SimulatedRoutes(account_of(cloud), cluster=cloud.cluster)


def load_balancers(cloud: Cloud[SimulatedSettings], *, timer: Timer | None = None) -> StackLoadBalancers:
    """`timer` stands in for the machine's time where the engine pauses between tries."""
    account = account_of(cloud)
    retries = Retries(attempts=4, first=0.1, timer=timer or SystemTimer())
    engine = Engine(resource_types(account), retries=retries, concurrency=8)
    return make_load_balancers(account, cluster=cloud.cluster, engine=engine)


def machines(cloud: Cloud[SimulatedSettings]) -> SimulatedMachines:
    return SimulatedMachines(account_of(cloud), zones=cloud.settings.zones)


def networks(cloud: Cloud[SimulatedSettings]) -> SimulatedNetworks:
    return SimulatedNetworks(account_of(cloud), zones=cloud.settings.zones)


def volumes(cloud: Cloud[SimulatedSettings]) -> SimulatedVolumes:
    return SimulatedVolumes(account_of(cloud), zones=cloud.settings.zones)
