"""Launch templates: what the machines of a group are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.cloud.stack.resource import OWNER_TAG
from cloudk8s_aws.api import shown, tags_of
from cloudk8s_aws.cluster.kind import made, observed, specification
from cloudk8s_aws.errors import Taken
from cloudk8s_aws.groups.reading import GroupReader


@dataclass(frozen=True, slots=True)
class LaunchTemplateType:
    """`launch-template`: never changed; key and name tell its content, so an earlier attempt is found by its name."""

    shared: GroupReader
    name: str = "launch-template"
    traits: Traits = field(
        default_factory=lambda: Traits(immutable=frozenset({"name"}), write_only=frozenset({"data", "tags"}), api="ec2")
    )

    def list(self, scope: Scope) -> Sequence[Observed]:
        entries = self.shared.templates(scope)
        return [
            observed(self.name, raw, raw["LaunchTemplateId"], {"name": raw["LaunchTemplateName"]}) for raw in entries
        ]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        self.shared.expect()
        try:
            template = self.shared.call(
                "ec2", "create_launch_template", LaunchTemplateName=wanted["name"],
                LaunchTemplateData=dict(wanted["data"]), TagSpecifications=specification("launch-template", call),
            )["LaunchTemplate"]  # fmt: skip
        except Taken:
            template = self._adopt(wanted["name"], call)
        return made(call, self.name, template["LaunchTemplateId"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.shared.call("ec2", "delete_launch_template", LaunchTemplateId=observed.id)

    def _adopt(self, name: str, call: Create) -> Mapping[str, Any]:
        found = self.shared.call("ec2", "describe_launch_templates", LaunchTemplateNames=[name])["LaunchTemplates"]
        template: Mapping[str, Any] = shown(found, f"launch template {name}")
        if tags_of(template).get(OWNER_TAG) != call.owner.uid:
            raise Taken(f"launch template {name} exists and is not ours")
        return template
