"""Tags of load balancers and target groups, twenty to a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.cloud.stack.interface import Create
from cloudk8s_aws.api import AwsApi, chunks, tag_list, tags_of

AT_ONCE = 20


def read_tags(api: AwsApi, arns: Sequence[str]) -> dict[str, dict[str, str]]:
    """Tags by ARN. What was deleted meanwhile is missing."""
    found: dict[str, dict[str, str]] = {}
    for part in chunks(arns, AT_ONCE):
        answer = api.call("elbv2", "describe_tags", ResourceArns=list(part))
        found |= {entry["ResourceArn"]: tags_of(entry) for entry in answer["TagDescriptions"]}
    return found


def creation_tags(call: Create) -> list[dict[str, str]]:
    """Everything to tag a new resource with; ownership wins."""
    return tag_list({**call.properties.get("tags", {}), **call.tags})


def user_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags but for those of ownership."""
    return {key: value for key, value in tags.items() if not key.startswith("cloudk8s.io/")}


def missing_tags(wanted: Mapping[str, Any], present: Mapping[str, str]) -> dict[str, str]:
    """Tags to add: tags are never removed, others may have put them there."""
    return {key: str(value) for key, value in wanted.items() if present.get(key) != value}
