"""The controllers that an AWS cloud brings along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cloudk8s.plugin import Calls, Cloud, CloudController, Controller, ControllerContext
from cloudk8s_aws.assembly import aws_of

if TYPE_CHECKING:
    from cloudk8s_aws.settings import AwsSettings

INGRESS = "aws-ingress-controller"
TAGS = "aws-tag-controller"
BINDINGS = "aws-target-group-binding-controller"


def cloud_controllers(cloud: Cloud[AwsSettings]) -> Sequence[CloudController]:
    """What the settings ask for."""
    found = []
    if cloud.settings.ingress:
        found.append(CloudController(INGRESS, lambda context, calls: _ingress(cloud, context, calls)))
    if cloud.settings.target_group_bindings:
        found.append(CloudController(BINDINGS, lambda context, calls: _bindings(cloud, context, calls)))
    if cloud.settings.instance_tags:
        found.append(CloudController(TAGS, lambda context, calls: _tags(cloud, context, calls)))
    return found


def _ingress(cloud: Cloud[AwsSettings], context: ControllerContext, calls: Calls) -> Controller:
    from cloudk8s_aws.ingress.controller import IngressController

    return IngressController(context, calls, aws_of(cloud).ingresses(), cluster=cloud.cluster)


def _bindings(cloud: Cloud[AwsSettings], context: ControllerContext, calls: Calls) -> Controller:
    from cloudk8s_aws.bindings.controller import TargetGroupBindingController
    from cloudk8s_aws.bindings.registering import Registrar

    aws = aws_of(cloud)
    return TargetGroupBindingController(context, calls, Registrar(aws.api), aws.doors())


def _tags(cloud: Cloud[AwsSettings], context: ControllerContext, calls: Calls) -> Controller:
    from cloudk8s_aws.instance_tags.controller import TagController
    from cloudk8s_aws.instance_tags.tagging import InstanceTagger

    return TagController(context, calls, InstanceTagger(aws_of(cloud).api, cloud.settings.instance_tags))
