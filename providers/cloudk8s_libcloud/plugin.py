"""The libcloud provider, as the plugin manager sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudk8s.plugin import Cloud, Instances, LoadBalancers, Machines, Networks, hookimpl

if TYPE_CHECKING:
    from cloudk8s_libcloud.driver import Driver
    from cloudk8s_libcloud.settings import LibcloudSettings


@hookimpl
def cloudk8s_settings() -> type[LibcloudSettings]:
    from cloudk8s_libcloud.settings import LibcloudSettings

    return LibcloudSettings


@hookimpl
def cloudk8s_instances(cloud: Cloud[LibcloudSettings]) -> Instances:
    from cloudk8s_libcloud.instances import LibcloudInstances

    return LibcloudInstances(_driver(cloud), cloud=cloud.name)


@hookimpl
def cloudk8s_machines(cloud: Cloud[LibcloudSettings]) -> Machines | None:
    from cloudk8s_libcloud.machines import LibcloudMachines

    driver = _driver(cloud)
    return LibcloudMachines(driver, cloud.settings, cloud=cloud.name) if driver.traits.can_own else None


@hookimpl
def cloudk8s_networks(cloud: Cloud[LibcloudSettings]) -> Networks | None:
    from cloudk8s_libcloud.surroundings.networks import LibcloudNetworks, has_groups, has_keys

    driver = _driver(cloud)
    if not driver.traits.can_own or not (has_groups(driver) or has_keys(driver, cloud.settings)):
        return None
    return LibcloudNetworks(driver, cloud.settings)


@hookimpl
def cloudk8s_load_balancers(cloud: Cloud[LibcloudSettings]) -> LoadBalancers | None:
    if cloud.settings.load_balancer is None:
        return None
    from cloudk8s_libcloud.load_balancers.connection import BalancerDriver
    from cloudk8s_libcloud.load_balancers.contract import libcloud_load_balancers

    driver = BalancerDriver(cloud.settings, _driver(cloud))
    return libcloud_load_balancers(driver, cluster=cloud.cluster, cloud=cloud.name)


def _driver(cloud: Cloud[LibcloudSettings]) -> Driver:
    from cloudk8s_libcloud.driver import Driver

    if cloud.settings.shared is None:
        cloud.settings.use(Driver(cloud.settings))
    assert cloud.settings.shared is not None
    return cloud.settings.shared
