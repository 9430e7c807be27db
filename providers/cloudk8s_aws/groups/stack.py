"""A group of machines as AWS resources. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, Ref, Resource
from cloudk8s.machinery.codec import encode_canonical
from cloudk8s.plugin import MachineGroup, MachineRequest
from cloudk8s_aws.api import chunks, tag_list
from cloudk8s_aws.machines.launch import POOL, ROLE, parameters
from cloudk8s_aws.ownership import cluster_tag

GROUP, TEMPLATE = "autoscaling-group", "launch-template"
MADE_BY = "cloudk8s.io/scaling-group"
"""Tag of a machine: the group that made it, also when it is in that no longer."""
DETACHED_AT_ONCE = 20
ONLY_AT_LAUNCH = ("MinCount", "MaxCount", "ClientToken", "SubnetId")
CREATE: Mapping[str, str] = {TEMPLATE: "CreateLaunchTemplate", GROUP: "CreateAutoScalingGroup"}
DELETE: Mapping[str, str] = {TEMPLATE: "DeleteLaunchTemplate", GROUP: "DeleteAutoScalingGroup"}


def resources_of(wanted: MachineGroup, tags: Mapping[str, str]) -> Sequence[Resource]:
    """A launch template and the group that uses it; what stays as it is has no properties but its size."""
    key = f"{GROUP}/{wanted.name}"
    if wanted.template is None:
        return [Resource(GROUP, key, {"size": wanted.size, "most": wanted.most, "tags": dict(wanted.tags)})]
    data = template_data(wanted.template, tags)
    digest = hashlib.sha256(encode_canonical(data)).hexdigest()[:8]
    template = Resource(
        TEMPLATE, f"{TEMPLATE}/{wanted.name}/{digest}",
        {"name": f"{wanted.name}-{digest}", "data": data, "tags": {**tags, **wanted.template.tags}},
    )  # fmt: skip
    properties = {
        "name": wanted.name, "template": Ref(template.key), "size": wanted.size, "most": wanted.most,
        "subnets": sorted({place["subnet"] for place in wanted.places if place.get("subnet")}),
        "tags": _instance_tags(wanted.template, tags, wanted.name),
    }  # fmt: skip
    return [template, Resource(GROUP, key, properties)]


def template_data(request: MachineRequest, tags: Mapping[str, str]) -> dict[str, Any]:
    """The same call that makes a machine by itself, without what is the group's to say."""
    found = {key: value for key, value in parameters([request], tags).items() if key not in ONLY_AT_LAUNCH}
    if "UserData" in found:
        found["UserData"] = base64.b64encode(found["UserData"].encode("latin-1")).decode()
    if cards := found.get("NetworkInterfaces"):
        found["NetworkInterfaces"] = [{k: v for k, v in card.items() if k != "SubnetId"} for card in cards]
    volumes = tag_list(_instance_tags(request, tags, request.group))
    found["TagSpecifications"] = [{"ResourceType": "volume", "Tags": volumes}]
    return found


def groups_in(observation: Observation) -> list[MachineGroup]:
    """The groups that are there."""
    return [
        MachineGroup(
            entry.key.partition("/")[2], entry.properties.get("tags", {}).get(CLUSTER_TAG, ""),
            int(entry.properties["size"]), int(entry.properties.get("most", 0)), dict(entry.properties["tags"]),
        )
        for entry in observation.resources
        if entry.type == GROUP and entry.is_alive
    ]  # fmt: skip


def group_calls(step: Step) -> Sequence[str]:
    """The calls of one step of a group's plan."""
    if step.action == "update":
        return ("UpdateAutoScalingGroup",)
    return ((DELETE if step.action == "delete" else CREATE)[step.type],)


def release_calls(machines: int) -> Sequence[str]:
    """Machines are taken out of their group, a few at a time, and then terminated together."""
    return ["DetachInstances"] * len(chunks(range(machines), DETACHED_AT_ONCE))


def _instance_tags(request: MachineRequest, tags: Mapping[str, str], name: str) -> dict[str, str]:
    cluster = request.cluster
    return {
        **tags, "Name": name, **request.tags, CLUSTER_TAG: cluster, cluster_tag(cluster): "owned",
        ROLE: request.role, POOL: request.pool, MADE_BY: name,
    }  # fmt: skip
