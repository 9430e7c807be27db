"""One RoleBinding or ClusterRoleBinding: whom it gives which role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from cloudk8s.apiserver.authentication.user import UserInfo, service_account_name
from cloudk8s.apiserver.authorization.refusal import quoted

SubjectKey = tuple[str, str]
"""`("User", name)` or `("Group", name)`; service accounts are users."""


@dataclass(frozen=True, slots=True)
class Binding:
    """`namespace` is empty for a ClusterRoleBinding."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: tuple[tuple[SubjectKey, str], ...]
    """In order: the key to find it by, and how a decision's reason names it."""

    @property
    def role_key(self) -> tuple[str, str]:
        """Namespace and name of the role; a ClusterRole has no namespace."""
        return ("" if self.role_kind == "ClusterRole" else self.namespace, self.role_name)

    def subject_among(self, keys: Set[SubjectKey]) -> str:
        """How to name the first subject that is one of these."""
        return next((text for key, text in self.subjects if key in keys), "")

    def describe(self, subject: str) -> str:
        """What a decision's reason says of this binding."""
        kind = "RoleBinding" if self.namespace else "ClusterRoleBinding"
        name = f"{self.name}/{self.namespace}" if self.namespace else self.name
        return f"{kind} {quoted(name)} of {self.role_kind} {quoted(self.role_name)} to {subject}"


def binding_of(obj: Mapping[str, Any]) -> Binding:
    """Read a RoleBinding or ClusterRoleBinding object."""
    metadata, role = obj["metadata"], obj["roleRef"]
    namespace = metadata.get("namespace", "")
    subjects = tuple(_subjects(obj.get("subjects") or (), namespace))
    return Binding(namespace, metadata["name"], role["kind"], role["name"], subjects)


def keys_of(user: UserInfo) -> frozenset[SubjectKey]:
    """Every subject that a user is."""
    return frozenset((("User", user.name), *(("Group", group) for group in user.groups)))


def _subjects(raw: Any, binding_namespace: str) -> Iterator[tuple[SubjectKey, str]]:
    for subject in raw:
        kind, name = subject.get("kind", ""), subject.get("name", "")
        if kind == "ServiceAccount":
            namespace = subject.get("namespace") or binding_namespace
            if namespace:
                text = f"ServiceAccount {quoted(f'{name}/{namespace}')}"
                yield ("User", service_account_name(namespace, name)), text
        elif kind in ("User", "Group"):
            yield (kind, name), f"{kind} {quoted(name)}"
