"""The local provider, as the plugin manager sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudk8s.plugin import Cloud, Instances, LoadBalancers, Machines, Networks, Routes, Volumes, hookimpl

if TYPE_CHECKING:
    from cloudk8s_local.settings import LocalSettings


@hookimpl
def cloudk8s_settings() -> type[LocalSettings]:
    from cloudk8s_local.settings import LocalSettings

    return LocalSettings


@hookimpl
def cloudk8s_instances(cloud: Cloud[LocalSettings]) -> Instances:
    from cloudk8s_local.assembly import instances

    return instances(cloud)


@hookimpl
def cloudk8s_routes(cloud: Cloud[LocalSettings]) -> Routes:
    from cloudk8s_local.assembly import routes

    return routes(cloud)


@hookimpl
def cloudk8s_load_balancers(cloud: Cloud[LocalSettings]) -> LoadBalancers:
    from cloudk8s_local.assembly import load_balancers

    return load_balancers(cloud)


@hookimpl
def cloudk8s_machines(cloud: Cloud[LocalSettings]) -> Machines:
    from cloudk8s_local.assembly import machines

    return machines(cloud)


@hookimpl
def cloudk8s_networks(cloud: Cloud[LocalSettings]) -> Networks:
    from cloudk8s_local.assembly import networks

    return networks(cloud)


@hookimpl
def cloudk8s_volumes(cloud: Cloud[LocalSettings]) -> Volumes:
    from cloudk8s_local.assembly import volumes

    return volumes(cloud)
