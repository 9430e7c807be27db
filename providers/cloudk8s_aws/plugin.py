"""The AWS provider, as the plugin manager sees it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudk8s.plugin import (
    Cloud,
    CloudController,
    Commands,
    Instances,
    LoadBalancers,
    Machines,
    Networks,
    Routes,
    hookimpl,
)

if TYPE_CHECKING:
    from cloudk8s_aws.settings import AwsSettings


@hookimpl
def cloudk8s_settings() -> type[AwsSettings]:
    from cloudk8s_aws.settings import AwsSettings

    return AwsSettings


@hookimpl
def cloudk8s_instances(cloud: Cloud[AwsSettings]) -> Instances:
    from cloudk8s_aws.assembly import aws_of

    return aws_of(cloud).instances()


@hookimpl
def cloudk8s_routes(cloud: Cloud[AwsSettings]) -> Routes:
    from cloudk8s_aws.assembly import aws_of

    return aws_of(cloud).routes()


@hookimpl
def cloudk8s_load_balancers(cloud: Cloud[AwsSettings]) -> LoadBalancers:
    from cloudk8s_aws.assembly import aws_of

    return aws_of(cloud).load_balancers()


@hookimpl
def cloudk8s_controllers(cloud: Cloud[AwsSettings]) -> Sequence[CloudController]:
    from cloudk8s_aws.controllers import cloud_controllers

    return cloud_controllers(cloud)


@hookimpl
def cloudk8s_offline_instances(cloud: Cloud[AwsSettings], nodes: Sequence[str]) -> None:
    from cloudk8s_aws.offline import prepare

    prepare(cloud.settings, cluster=cloud.cluster, nodes=nodes)


@hookimpl
def cloudk8s_machines(cloud: Cloud[AwsSettings]) -> Machines:
    from cloudk8s_aws.assembly import aws_of

    return aws_of(cloud).machines()


@hookimpl
def cloudk8s_networks(cloud: Cloud[AwsSettings]) -> Networks:
    from cloudk8s_aws.assembly import aws_of

    return aws_of(cloud).networks()


@hookimpl
def register_commands(registry: Commands) -> None:
    from cloudk8s_aws.credentials.command import ecr_credential_provider

    description = inspect.cleandoc(ecr_credential_provider.__doc__ or "")
    registry.register("ecr-credential-provider", ecr_credential_provider, description=description)


@hookimpl
def cloudk8s_permissions() -> Mapping[str, Any]:
    from cloudk8s_aws.permissions import policy

    return policy()
