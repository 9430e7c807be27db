"""The mark, the rule of EventBridge, the queue of SQS that it may fill, and that it does. Names are deterministic."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.plugin import CloudNotFound
from cloudk8s_aws.api import tag_list
from cloudk8s_aws.cluster.kind import made, part
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.interruptions.reading import MARK_TAG, TARGET, InterruptionReader

RETENTION = 300
"""Seconds; what was not read by then has happened, and a look at the machines shows it."""
PATTERN: Mapping[str, Sequence[str]] = {
    "source": ["aws.ec2", "aws.health"],
    "detail-type": [
        "EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation",
        "EC2 Instance State-change Notification", "AWS Health Event",
    ],
}  # fmt: skip
MARK, RULE, QUEUE, FILLING = (
    "interruption-mark", "interruption-rule", "interruption-queue", "interruption-target",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InterruptionMarkType:
    """`interruption-mark`: a tag; goes with what carries it."""

    shared: InterruptionReader
    name: str = MARK
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"on"}), api="ec2"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (raw := self.shared.marked(scope)) is None:
            return ()
        id = raw.get("GroupId") or raw["VpcId"]
        return [part(self.name, self.name, f"{id}#{MARK_TAG}", raw, {"on": id}, within=id)]

    def create(self, call: Create) -> Observed:
        id = call.properties["on"]
        self.shared.api.call("ec2", "create_tags", Resources=[id], Tags=[{"Key": MARK_TAG, "Value": "true"}])
        return made(call, self.name, f"{id}#{MARK_TAG}", within=id)

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.shared.api.call("ec2", "delete_tags", Resources=[observed.within], Tags=[{"Key": MARK_TAG}])


@dataclass(frozen=True, slots=True)
class InterruptionRuleType:
    """`interruption-rule`: which events are passed on."""

    shared: InterruptionReader
    name: str = RULE
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name"}), write_only=frozenset({"tags"}), unordered=frozenset({"pattern"}),
            api="events",
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (rule := self.shared.rule(scope)) is None:
            return ()
        name = rule.arn.rpartition("/")[2]
        properties = {"name": name, "pattern": rule.pattern}
        return [Observed(self.name, self.name, name, rule.owner, properties, {"arn": rule.arn})]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        found = self.shared.read_rule(call.owner.uid)  # a rule of this name would be changed
        if found is not None and found.owner != call.owner.uid:
            raise Taken(f"rule {wanted['name']} exists and is not ours")
        tags = tag_list({**wanted.get("tags", {}), **call.tags})
        arn = self._put(wanted, **({} if found is not None else {"Tags": tags}))
        return made(call, self.name, wanted["name"], attributes={"arn": arn})

    def update(self, call: Update) -> Observed:
        self._put(call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        self.shared.api.call("events", "delete_rule", Name=observed.id)

    def _put(self, wanted: Mapping[str, Any], **more: Any) -> str:
        answer = self.shared.api.call(
            "events", "put_rule", Name=wanted["name"], EventPattern=json.dumps(wanted["pattern"]), State="ENABLED",
            Description="Machines of a cluster that AWS is about to take", **more,
        )  # fmt: skip
        return str(answer["RuleArn"])


@dataclass(frozen=True, slots=True)
class InterruptionQueueType:
    """`interruption-queue`: the rule alone may send to it."""

    shared: InterruptionReader
    name: str = QUEUE
    traits: Traits = field(
        default_factory=lambda: Traits(
            immutable=frozenset({"name"}), write_only=frozenset({"tags"}), api="sqs"
        )
    )  # fmt: skip

    def list(self, scope: Scope) -> Sequence[Observed]:
        if (queue := self.shared.queue(scope)) is None:
            return ()
        name = queue.arn.rpartition(":")[2]
        properties = {
            "name": name, "rule": queue.rule, "retention": int(queue.attributes.get("MessageRetentionPeriod", 0)),
            "encrypted": queue.attributes.get("SqsManagedSseEnabled") == "true",
        }  # fmt: skip
        return [Observed(self.name, self.name, name, queue.owner, properties, {"arn": queue.arn})]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            self.shared.api.call(
                "sqs", "create_queue", QueueName=wanted["name"], Attributes=_attributes(wanted),
                tags={**wanted.get("tags", {}), **call.tags},
            )  # fmt: skip
        except Taken:
            self._adopt(call)
        return made(call, self.name, wanted["name"], attributes={"arn": _arn(wanted)})

    def update(self, call: Update) -> Observed:
        self._set(call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        self.shared.api.call("sqs", "delete_queue", QueueUrl=self._url(observed.id))

    def _adopt(self, call: Create) -> None:
        found = self.shared.read_queue(call.owner.uid)
        if found is None or found.owner != call.owner.uid:
            raise Taken(f"queue {call.properties['name']} exists and is not ours")
        self._set(call.properties)

    def _set(self, wanted: Mapping[str, Any]) -> None:
        self.shared.api.call(
            "sqs", "set_queue_attributes", QueueUrl=self._url(wanted["name"]), Attributes=_attributes(wanted)
        )

    def _url(self, name: str) -> str:
        return str(self.shared.api.call("sqs", "get_queue_url", QueueName=name)["QueueUrl"])


@dataclass(frozen=True, slots=True)
class InterruptionTargetType:
    """`interruption-target`: the rule sends to the queue; as long as it does so AWS keeps the rule."""

    shared: InterruptionReader
    name: str = FILLING
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"rule"}), api="events"))

    def list(self, scope: Scope) -> Sequence[Observed]:
        rule = self.shared.rule(scope)
        if rule is None or not rule.target:
            return ()
        name = rule.arn.rpartition("/")[2]
        return [Observed(self.name, self.name, target_id(name), rule.owner, {"rule": name, "queue": rule.target})]

    def create(self, call: Create) -> Observed:
        self._put(call.properties)
        return made(call, self.name, target_id(call.properties["rule"]))

    def update(self, call: Update) -> Observed:
        self._put(call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        with suppress(CloudNotFound):  # the rule is gone
            self.shared.api.call("events", "remove_targets", Rule=observed.properties["rule"], Ids=[TARGET])

    def _put(self, wanted: Mapping[str, Any]) -> None:
        target = {"Id": TARGET, "Arn": wanted["queue"]}
        self.shared.api.call("events", "put_targets", Rule=wanted["rule"], Targets=[target])


def target_id(rule: str) -> str:
    """What the target of a rule is called here."""
    return f"{rule}#{TARGET}"


def _attributes(wanted: Mapping[str, Any]) -> dict[str, str]:
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": _arn(wanted), "Condition": {"ArnEquals": {"aws:SourceArn": wanted["rule"]}},
    }  # fmt: skip
    return {
        "MessageRetentionPeriod": str(wanted["retention"]), "SqsManagedSseEnabled": "true",
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    }  # fmt: skip


def _arn(wanted: Mapping[str, Any]) -> str:
    """The queue is where the rule is, and called the same."""
    place = str(wanted["rule"]).rpartition(":")[0].replace(":events:", ":sqs:")
    return f"{place}:{wanted['name']}"
