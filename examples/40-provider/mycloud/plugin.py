"""Mycloud, as the plugin manager sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudk8s.plugin import Cloud, Instances, LoadBalancers, hookimpl

if TYPE_CHECKING:
    from mycloud.settings import MycloudSettings


@hookimpl
def cloudk8s_settings() -> type[MycloudSettings]:
    from mycloud.settings import MycloudSettings

    return MycloudSettings


@hookimpl
def cloudk8s_instances(cloud: Cloud[MycloudSettings]) -> Instances:
    from mycloud.instances import MycloudInstances

    return MycloudInstances(cloud.settings.api)


@hookimpl
def cloudk8s_load_balancers(cloud: Cloud[MycloudSettings]) -> LoadBalancers:
    from mycloud.load_balancers import MycloudLoadBalancers

    return MycloudLoadBalancers(cloud.settings.api, cluster=cloud.cluster)
