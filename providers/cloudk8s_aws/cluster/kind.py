"""What the EC2 resource types share: tags at creation, and the reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, ResourceState
from cloudk8s.cloud.stack.resource import OWNER_TAG, RESOURCE_TAG
from cloudk8s_aws.api import AwsApi, tag_list, tags_of
from cloudk8s_aws.cluster.reading import Raw, Reader


@dataclass(frozen=True, slots=True)
class Ec2:
    """One API and one reader, shared by all types."""

    api: AwsApi
    reader: Reader

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of EC2."""
        return self.api.call("ec2", operation, **parameters)

    def create(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One creating call that takes no idempotency token."""
        return self.api.create("ec2", operation, **parameters)


def specification(resource: str, call: Create) -> list[dict[str, Any]]:
    """Tags for the creating call: the user's, a name for people, and ownership, which wins."""
    properties = call.properties
    name = f"{call.owner.cluster}/{call.key}"
    tags = {"Name": name, **properties.get("tags", {}), **call.tags, **properties.get("record", {})}
    return [{"ResourceType": resource, "Tags": tag_list(tags)}]


def observed(
    name: str, raw: Raw, id: str, properties: Mapping[str, Any], *, attributes: Mapping[str, Any] | None = None,
    state: ResourceState = "ready", reason: str = "", within: str = "",
) -> Observed:  # fmt: skip
    """A tagged resource as the engine sees it."""
    tags = tags_of(raw)
    return Observed(
        name, tags.get(RESOURCE_TAG, ""), id, tags.get(OWNER_TAG, ""), properties, attributes or {}, state, reason,
        tags, within,
    )  # fmt: skip


def part(
    name: str, key: str, id: str, parent: Observed | Raw, properties: Mapping[str, Any], *, within: str
) -> Observed:
    """An untagged part of a tagged resource: it belongs to whom the whole belongs to."""
    tags = parent.tags if isinstance(parent, Observed) else tags_of(parent)
    return Observed(name, key, id, tags.get(OWNER_TAG, ""), properties, tags=tags, within=within)


def made(call: Create, name: str, id: str, *, attributes: Mapping[str, Any] | None = None,
         state: ResourceState = "ready", within: str = "") -> Observed:  # fmt: skip
    """What a successful creation gave."""
    return Observed(
        name, call.key, id, call.owner.uid, dict(call.properties), attributes or {}, state, tags=dict(call.tags),
        within=within,
    )  # fmt: skip


def suffix(key: str) -> str:
    """`private/eu-1a` for `route-table/private/eu-1a`."""
    return key.partition("/")[2]
