"""RoleBindings and ClusterRoleBindings."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata, names
from cloudk8s.api.validation.rbac import check_binding, check_role_kept

RBAC_GROUP = "rbac.authorization.k8s.io"


class RoleBindingStrategy(BuiltinStrategy):
    """The RoleBinding kind."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        role = obj.setdefault("roleRef", {})
        role["apiGroup"] = role.get("apiGroup") or RBAC_GROUP
        for subject in obj.get("subjects") or ():
            if not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
                subject["apiGroup"] = RBAC_GROUP

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.path_segment

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new) + metadata.validate_update(new["metadata"], old["metadata"])
        check_role_kept(errors, new, old)
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_binding(errors, obj, namespaced=self.namespaced)


class ClusterRoleBindingStrategy(RoleBindingStrategy):
    """The ClusterRoleBinding kind."""

    namespaced = False
