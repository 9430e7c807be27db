"""Roles of machines, what these may do, and the instance profiles that give them to machines.

IAM has no listing by tag, so a path says whose a role is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cloudk8s.cloud.stack.interface import Create, Observed, Scope, Traits, Update
from cloudk8s.plugin import CloudNotFound, QuotaExceeded
from cloudk8s_aws.api import AwsApi, tag_list
from cloudk8s_aws.cluster.kind import made
from cloudk8s_aws.cluster.layout import iam_path
from cloudk8s_aws.cluster.policies import ASSUME
from cloudk8s_aws.errors import Taken

POLICY = "cloudk8s"


class Iam:
    """IAM's listings, read once for all types of an observation."""

    def __init__(self, api: AwsApi) -> None:
        self._api = api
        self._lock = threading.RLock()
        self._listed: dict[str, Sequence[Mapping[str, Any]]] = {}

    def begin(self, scope: Scope, types: object) -> None:
        """A new observation."""
        with self._lock:
            self._listed = {}

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One call of IAM."""
        return self._api.call("iam", operation, **parameters)

    def roles(self, scope: Scope) -> Sequence[Mapping[str, Any]]:
        """Roles below the cluster's path."""
        return self._list("list_roles", "Roles", scope)

    def profiles(self, scope: Scope) -> Sequence[Mapping[str, Any]]:
        """Profiles below the cluster's path; they come after roles and go before them, so without roles none is."""
        return self._list("list_instance_profiles", "InstanceProfiles", scope) if self.roles(scope) else ()

    def _list(self, operation: str, key: str, scope: Scope) -> Sequence[Mapping[str, Any]]:
        with self._lock:
            if key not in self._listed:
                path = iam_path(self._api.region, scope.cluster)
                self._listed[key] = self._api.pages("iam", operation, key, PathPrefix=path)
            return self._listed[key]


@dataclass(frozen=True, slots=True)
class RoleType:
    """`role`."""

    iam: Iam
    name: str = "role"
    traits: Traits = field(
        default_factory=lambda: Traits(write_only=frozenset({"path", "tags"}), immutable=frozenset({"name"}), api="iam")
    )

    @property
    def shared(self) -> Iam:
        return self.iam

    def list(self, scope: Scope) -> Sequence[Observed]:
        return [
            Observed(
                self.name,
                f"role/{_short(entry['RoleName'])}",
                entry["RoleName"],
                scope.owner,
                {"name": entry["RoleName"]},
            )
            for entry in self.iam.roles(scope)
        ]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            self.iam.call(
                "create_role", RoleName=wanted["name"], Path=wanted["path"],
                AssumeRolePolicyDocument=json.dumps(ASSUME), Tags=tag_list({**wanted.get("tags", {}), **call.tags}),
            )  # fmt: skip
        except Taken:
            self._refuse_foreign(wanted)
        return made(call, self.name, wanted["name"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.iam.call("delete_role", RoleName=observed.id)

    def _refuse_foreign(self, wanted: Mapping[str, Any]) -> None:
        role = self.iam.call("get_role", RoleName=wanted["name"])["Role"]
        if role["Path"] != wanted["path"]:
            raise Taken(f"role {wanted['name']} exists and is not ours")


@dataclass(frozen=True, slots=True)
class RolePolicyType:
    """`role-policy`: the one inline policy of a role."""

    iam: Iam
    name: str = "role-policy"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"role"}), api="iam"))

    @property
    def shared(self) -> Iam:
        return self.iam

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for role in (entry["RoleName"] for entry in self.iam.roles(scope)):
            try:
                document = self.iam.call("get_role_policy", RoleName=role, PolicyName=POLICY)["PolicyDocument"]
            except CloudNotFound:
                continue
            properties = {"role": role, "document": document}
            found.append(
                Observed(self.name, f"role-policy/{_short(role)}", f"{role}#{POLICY}", scope.owner, properties)
            )
        return found

    def create(self, call: Create) -> Observed:
        self._put(call.properties)
        return made(call, self.name, f"{call.properties['role']}#{POLICY}")

    def update(self, call: Update) -> Observed:
        self._put(call.properties)
        return replace(call.observed, properties=dict(call.properties))

    def delete(self, observed: Observed) -> None:
        self.iam.call("delete_role_policy", RoleName=observed.properties["role"], PolicyName=POLICY)

    def _put(self, wanted: Mapping[str, Any]) -> None:
        document = json.dumps(wanted["document"])
        self.iam.call("put_role_policy", RoleName=wanted["role"], PolicyName=POLICY, PolicyDocument=document)


@dataclass(frozen=True, slots=True)
class ProfileType:
    """`instance-profile`."""

    iam: Iam
    name: str = "instance-profile"
    traits: Traits = field(
        default_factory=lambda: Traits(write_only=frozenset({"path", "tags"}), immutable=frozenset({"name"}), api="iam")
    )

    @property
    def shared(self) -> Iam:
        return self.iam

    def list(self, scope: Scope) -> Sequence[Observed]:
        names = [entry["InstanceProfileName"] for entry in self.iam.profiles(scope)]
        return [
            Observed(self.name, f"instance-profile/{_short(name)}", name, scope.owner, {"name": name}) for name in names
        ]

    def create(self, call: Create) -> Observed:
        wanted = call.properties
        try:
            self.iam.call(
                "create_instance_profile", InstanceProfileName=wanted["name"], Path=wanted["path"],
                Tags=tag_list({**wanted.get("tags", {}), **call.tags}),
            )  # fmt: skip
        except Taken:
            found = self.iam.call("get_instance_profile", InstanceProfileName=wanted["name"])["InstanceProfile"]
            if found["Path"] != wanted["path"]:
                raise Taken(f"instance profile {wanted['name']} exists and is not ours") from None
        return made(call, self.name, wanted["name"])

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        self.iam.call("delete_instance_profile", InstanceProfileName=observed.id)


@dataclass(frozen=True, slots=True)
class ProfileRoleType:
    """`profile-role`: which role a profile gives."""

    iam: Iam
    name: str = "profile-role"
    traits: Traits = field(default_factory=lambda: Traits(immutable=frozenset({"profile", "role"}), api="iam"))

    @property
    def shared(self) -> Iam:
        return self.iam

    def list(self, scope: Scope) -> Sequence[Observed]:
        found = []
        for entry in self.iam.profiles(scope):
            profile = entry["InstanceProfileName"]
            for role in (role["RoleName"] for role in entry.get("Roles") or ()):
                properties = {"profile": profile, "role": role}
                key = f"profile-role/{_short(profile)}"
                found.append(Observed(self.name, key, f"{profile}#{role}", scope.owner, properties))
        return found

    def create(self, call: Create) -> Observed:
        profile, role = call.properties["profile"], call.properties["role"]
        try:
            self.iam.call("add_role_to_instance_profile", InstanceProfileName=profile, RoleName=role)
        except QuotaExceeded:  # a profile has one role: an earlier attempt may have given it this one
            found = self.iam.call("get_instance_profile", InstanceProfileName=profile)["InstanceProfile"]["Roles"]
            if role not in [entry["RoleName"] for entry in found]:
                raise
        return made(call, self.name, f"{profile}#{role}")

    def update(self, call: Update) -> Observed:
        return call.observed

    def delete(self, observed: Observed) -> None:
        profile, role = observed.properties["profile"], observed.properties["role"]
        self.iam.call("remove_role_from_instance_profile", InstanceProfileName=profile, RoleName=role)


def _short(name: str) -> str:
    """`control-plane` for `prod-control-plane-1a2b3c4d`."""
    return "control-plane" if "-control-plane-" in name else "worker"
