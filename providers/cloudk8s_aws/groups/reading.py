"""What there is of groups, read once for an observation; nothing is asked where there are no launch templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.interface import Scope
from cloudk8s.cloud.stack.resource import CLUSTER_TAG, OWNER_TAG
from cloudk8s_aws.api import AwsApi, tags_of
from cloudk8s_aws.cluster.reading import Reader

Raw = Mapping[str, Any]
PREFIX = "lt-"


@dataclass(slots=True)
class GroupReader:
    """An autoscaling group never outlives its launch template: it comes after it, and goes before it."""

    api: AwsApi
    reader: Reader
    _raw: dict[str, Sequence[Raw]] = field(default_factory=dict)

    def begin(self, scope: Scope, types: object) -> None:
        """A new observation."""
        self._raw = {}

    def expect(self) -> None:
        """A launch template is about to be there."""
        self.reader.expect(PREFIX)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call."""
        return self.api.call(service, operation, **parameters)

    def templates(self, scope: Scope) -> Sequence[Raw]:
        """Launch templates of the cluster."""
        return self._read("ec2", "describe_launch_templates", "LaunchTemplates", scope)

    def groups(self, scope: Scope) -> Sequence[Raw]:
        """Autoscaling groups of the cluster."""
        return self._read("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", scope)

    def _read(self, service: str, operation: str, key: str, scope: Scope) -> Sequence[Raw]:
        if not self.reader.may_have(PREFIX):
            return ()
        if key not in self._raw:
            wanted = [{"Name": f"tag:{CLUSTER_TAG}", "Values": [scope.cluster]}]
            found = self.api.pages(service, operation, key, Filters=wanted)
            self._raw[key] = [raw for raw in found if scope.owner in ("", tags_of(raw).get(OWNER_TAG))]
        return self._raw[key]
