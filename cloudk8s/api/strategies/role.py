"""Roles and ClusterRoles."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import names


class RoleStrategy(BuiltinStrategy):
    """The Role kind."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        obj.setdefault("rules", None)

    def validate_name(self) -> Callable[[str], list[str]]:
        return names.path_segment


class ClusterRoleStrategy(RoleStrategy):
    """The ClusterRole kind."""

    namespaced = False
