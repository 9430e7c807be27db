"""Make the members of a target group those that a binding wants."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cloudk8s.plugin import CloudNotFound, Unsupported
from cloudk8s_aws.api import AwsApi, chunks
from cloudk8s_aws.bindings.targets import BindingRequest

AT_ONCE = 100


class Registrar:
    """Blocking and idempotent."""

    def __init__(self, api: AwsApi) -> None:
        self._api = api
        self._groups: dict[str, tuple[str, str]] = {}

    def group(self, arn: str, name: str) -> tuple[str, str]:
        """ARN and target type of a target group, which never change. Raises CloudNotFound, Unsupported."""
        if not (arn or name):
            raise Unsupported("spec.targetGroupARN", "name a target group by targetGroupARN or targetGroupName")
        if (known := self._groups.get(arn or name)) is None:
            parameters: dict[str, Any] = {"TargetGroupArns": [arn]} if arn else {"Names": [name]}
            found = self._api.call("elbv2", "describe_target_groups", **parameters)["TargetGroups"]
            if not found:
                raise CloudNotFound(f"there is no target group {arn or name}")
            known = (found[0]["TargetGroupArn"], found[0].get("TargetType", "instance"))
            self._groups[arn or name] = known
        return known

    def converge(self, request: BindingRequest) -> None:
        """Take out before putting in: a target group may be at its limit."""
        arn, _ = self.group(request.arn, request.name)
        present = self._members(arn)
        surplus = present - request.targets
        self._change("deregister_targets", arn, surplus if request.known is None else surplus & request.known)
        self._change("register_targets", arn, request.targets - present)

    def clear(self, request: BindingRequest) -> None:
        """Take out what the binding has put in. A target group that is gone has nothing in it."""
        try:
            arn, _ = self.group(request.arn, request.name)
            present = self._members(arn)
            self._change("deregister_targets", arn, present if request.known is None else present & request.known)
        except CloudNotFound:
            return

    def _members(self, arn: str) -> set[str]:
        health = self._api.call("elbv2", "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
        return {
            f"{entry['Target']['Id']}:{entry['Target']['Port']}"
            for entry in health
            if entry["TargetHealth"]["State"] != "draining"
        }

    def _change(self, operation: str, arn: str, targets: Collection[str]) -> None:
        for part in chunks(sorted(targets), AT_ONCE):
            parsed = [{"Id": entry.rpartition(":")[0], "Port": int(entry.rpartition(":")[2])} for entry in part]
            self._api.call("elbv2", operation, TargetGroupArn=arn, Targets=parsed)
