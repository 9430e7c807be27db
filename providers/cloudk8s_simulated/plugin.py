"""The simulated provider, as the plugin manager sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudk8s.plugin import Cloud, Instances, LoadBalancers, Machines, Networks, Routes, Volumes, hookimpl

if TYPE_CHECKING:
    from cloudk8s_simulated.settings import SimulatedSettings


@hookimpl
def cloudk8s_settings() -> type[SimulatedSettings]:
    from cloudk8s_simulated.settings import SimulatedSettings

    return SimulatedSettings


@hookimpl
def cloudk8s_instances(cloud: Cloud[SimulatedSettings]) -> Instances:
    from cloudk8s_simulated.cloud.assembly import instances

    return instances(cloud)


@hookimpl
def cloudk8s_routes(cloud: Cloud[SimulatedSettings]) -> Routes:
    from cloudk8s_simulated.cloud.assembly import routes

    return routes(cloud)


@hookimpl
def cloudk8s_load_balancers(cloud: Cloud[SimulatedSettings]) -> LoadBalancers:
    from cloudk8s_simulated.cloud.assembly import load_balancers

    return load_balancers(cloud)


@hookimpl
def cloudk8s_machines(cloud: Cloud[SimulatedSettings]) -> Machines:
    from cloudk8s_simulated.cloud.assembly import machines

    return machines(cloud)


@hookimpl
def cloudk8s_networks(cloud: Cloud[SimulatedSettings]) -> Networks:
    from cloudk8s_simulated.cloud.assembly import networks

    return networks(cloud)


@hookimpl
def cloudk8s_volumes(cloud: Cloud[SimulatedSettings]) -> Volumes:
    from cloudk8s_simulated.cloud.assembly import volumes

    return volumes(cloud)
