"""What there is of a cluster's rule and queue, read once for all types of an observation.

A tag on what stands for the cluster says that there may be any: clusters without spot machines are asked nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cloudk8s.cloud.stack.interface import Scope
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import AwsApi, tags_of
from cloudk8s_aws.cluster.reading import Raw, Reader
from cloudk8s_aws.load_balancers.naming import resource_name

MARK_TAG = "cloudk8s.io/hears-interruptions"
"""On the VPC, or on the control plane's security group in a VPC of others: comes before the rule and goes after it."""
TARGET = "queue"
"""Id of the queue among the rule's targets."""


def interruptions_name(uid: str) -> str:
    """The name of the rule, and of the queue."""
    return resource_name("spot", uid)


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue as it is."""

    url: str
    arn: str
    owner: str
    attributes: Mapping[str, str]

    @property
    def rule(self) -> str:
        """ARN of the rule that may send to it, as its policy says."""
        try:
            statement = json.loads(self.attributes.get("Policy", ""))["Statement"][0]
            return str(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        except (ValueError, LookupError, TypeError):
            return ""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule as it is."""

    arn: str
    owner: str
    pattern: Any
    target: str
    """ARN of the queue, where it sends to one."""


Found = TypeVar("Found", Queue, Rule)


class InterruptionReader:
    """Shared by the three types; safe to use by threads."""

    def __init__(self, api: AwsApi, reader: Reader) -> None:
        self.api = api
        self.reader = reader
        self._lock = threading.RLock()
        self._queues: dict[str, Queue | None] = {}
        self._rules: dict[str, Rule | None] = {}

    def begin(self, scope: Scope, types: object) -> None:
        """A new observation."""
        with self._lock:
            self._queues, self._rules = {}, {}

    def marked(self, scope: Scope) -> Raw | None:
        """What carries the mark."""
        for kind in ("vpc", "security-group"):
            for raw in self.reader.entries(kind, scope):
                if MARK_TAG in tags_of(raw):
                    return raw
        return None

    def queue(self, scope: Scope) -> Queue | None:
        """The queue, if it is there and ours."""
        return self._once(self._queues, scope, self.read_queue)

    def rule(self, scope: Scope) -> Rule | None:
        """The rule, if it is there and ours."""
        return self._once(self._rules, scope, self.read_rule)

    def read_queue(self, owner: str) -> Queue | None:
        """The queue of this name, whosever it is."""
        try:
            url = self.api.call("sqs", "get_queue_url", QueueName=interruptions_name(owner))["QueueUrl"]
            wanted = ["QueueArn", "Policy", "MessageRetentionPeriod", "SqsManagedSseEnabled"]
            attributes = self.api.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=wanted)["Attributes"]
            tags = self.api.call("sqs", "list_queue_tags", QueueUrl=url).get("Tags", {})
        except CloudNotFound:
            return None
        return Queue(url, attributes["QueueArn"], tags.get(OWNER_TAG, ""), attributes)

    def read_rule(self, owner: str) -> Rule | None:
        """The rule of this name, whosever it is."""
        name = interruptions_name(owner)
        try:
            raw = self.api.call("events", "describe_rule", Name=name)
            targets = self.api.call("events", "list_targets_by_rule", Rule=name)["Targets"]
            tags = tags_of(self.api.call("events", "list_tags_for_resource", ResourceARN=raw["Arn"]))
        except CloudNotFound:
            return None
        target = next((entry["Arn"] for entry in targets if entry["Id"] == TARGET), "")
        pattern = json.loads(raw["EventPattern"]) if raw.get("State") == "ENABLED" else {}
        return Rule(raw["Arn"], tags.get(OWNER_TAG, ""), pattern, target)

    def _once(self, found: dict[str, Found | None], scope: Scope, read: Callable[[str], Found | None]) -> Found | None:
        """What was read of this owner, or is now; only what is the owner's."""
        owner = scope.owner
        with self._lock:
            if owner not in found:
                found[owner] = read(owner) if self.marked(scope) is not None else None
            thing = found[owner]
        return thing if thing is not None and thing.owner == owner else None
