"""Roles and ClusterRoles."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata, names
from cloudk8s.api.validation.rbac import check_aggregation, check_rules


class RoleStrategy(BuiltinStrategy):
    """The Role kind."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("rules", None)

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.path_segment

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_create(new) + metadata.validate_update(new["metadata"], old["metadata"])

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_rules(errors, obj.get("rules") or (), namespaced=self.namespaced)
        if not self.namespaced:
            check_aggregation(errors, obj.get("aggregationRule"))


class ClusterRoleStrategy(RoleStrategy):
    """The ClusterRole kind."""

    namespaced = False
