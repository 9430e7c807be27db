"""Nobody grants more than they have: checks on writes of roles and bindings.

Who has the verb `escalate` on a role, or `bind` on the role that a binding names, may; so may `system:masters`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.apiserver.authentication.user import MASTERS, UserInfo
from cloudk8s.apiserver.authorization.binding import binding_of
from cloudk8s.apiserver.authorization.coverage import compact, describe, uncovered
from cloudk8s.apiserver.authorization.interface import Attributes, Authorizer, Rule
from cloudk8s.apiserver.authorization.rbac import BINDINGS, GROUP, RBAC, ROLES, RoleNotFound
from cloudk8s.apiserver.authorization.refusal import forbidden_object, quoted
from cloudk8s.errors import NotFound

_EVERYTHING: Final[tuple[Rule, ...]] = (
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
)
_GARBAGE_COLLECTION_FIELDS = ("ownerReferences", "finalizers", "managedFields")


@dataclass(frozen=True, slots=True)
class Write:
    """A create (`old` is None) or update of a role or binding; `name` is that of the URL, empty in a create."""

    user: UserInfo
    plural: str
    namespace: str
    name: str
    obj: Mapping[str, Any]
    old: Mapping[str, Any] | None = None


class EscalationCheck:
    """Checks writes against what the writer may do."""

    def __init__(self, authorizer: Authorizer, rbac: RBAC) -> None:
        self._authorizer = authorizer
        self._rbac = rbac

    def check(self, write: Write) -> None:
        """Raise Forbidden for a write that grants more than its user has; NotFound for a binding to no role."""
        if MASTERS in write.user.groups or _changes_nothing_that_counts(write):
            return
        if write.plural in ROLES:
            self._check_role(write)
        elif write.plural in BINDINGS:
            self._check_binding(write)

    def _check_role(self, write: Write) -> None:
        verb = Attributes(write.user, "escalate", GROUP, "v1", write.plural, "", write.namespace, write.name)
        if self._authorizer.authorize(verb).is_allowed:
            return
        self._confirm(write, write.obj.get("rules") or ())
        old = write.old.get("aggregationRule") if write.old else None
        new = write.obj.get("aggregationRule")
        if new != old and self._missing(write, _EVERYTHING):
            text = "must have cluster-admin privileges to use the aggregationRule"
            raise forbidden_object(GROUP, write.plural, _name(write), text)

    def _check_binding(self, write: Write) -> None:
        metadata = dict(write.obj["metadata"]) | {"name": _name(write), "namespace": write.namespace}
        binding = binding_of({**write.obj, "metadata": metadata})
        kind = "clusterroles" if binding.role_kind == "ClusterRole" else "roles"
        verb = Attributes(write.user, "bind", GROUP, "v1", kind, "", write.namespace, binding.role_name)
        if self._authorizer.authorize(verb).is_allowed:
            return
        try:
            rules = self._rbac.role_rules(binding)
        except RoleNotFound as error:
            # Upstream names the resource of the request, not that of the role.
            details = {"name": error.name, "group": GROUP, "kind": write.plural}
            raise NotFound(f"{write.plural}.{GROUP} {quoted(error.name)} not found", details=details) from error
        self._confirm(write, [rule.raw for rule in rules])

    def _confirm(self, write: Write, granted: Sequence[Rule]) -> None:
        missing = self._missing(write, granted)
        if not missing:
            return
        problems = self._rbac.rules_for(write.user, write.namespace).problems
        groups = "[" + " ".join(map(quoted, write.user.groups)) + "]"
        lines = "\n".join(sorted({describe(rule) for rule in compact(missing)}))
        text = f"user {quoted(write.user.name)} (groups={groups}) "
        text += f"is attempting to grant RBAC permissions not currently held:\n{lines}"
        if problems:
            text += f"; resolution errors: [{_aggregate(problems)}]"
        raise forbidden_object(GROUP, write.plural, _name(write), text)

    def _missing(self, write: Write, granted: Sequence[Rule]) -> Sequence[Rule]:
        return uncovered(self._rbac.rules_for(write.user, write.namespace).rules, granted)


def _name(write: Write) -> str:
    return write.name or str(write.obj["metadata"].get("name", ""))


def _changes_nothing_that_counts(write: Write) -> bool:
    """The garbage collector may change what concerns it, whatever it may grant."""
    return write.old is not None and _without(write.obj) == _without(write.old)


def _without(obj: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _GARBAGE_COLLECTION_FIELDS}
    return {**obj, "metadata": metadata}


def _aggregate(problems: Sequence[str]) -> str:
    texts = list(dict.fromkeys(problems))
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
