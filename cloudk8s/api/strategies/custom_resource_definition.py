"""The kind CustomResourceDefinition in the common pipeline."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.api.custom import definition
from cloudk8s.api.custom.definition_rules import check_definition, check_definition_update
from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata, names


class CustomResourceDefinitionStrategy(BuiltinStrategy):
    """Which names are accepted, and what is served, the server works out afterwards and writes to the status."""

    namespaced = False
    has_generation = True
    has_status = True
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        definition.set_defaults(obj)

    def prepare_create(self, obj: Object) -> None:
        obj["status"] = definition.new_status(obj)

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        if subresource == "status":
            self.prepare_status_update(new, old)
        else:
            definition.keep_stored_versions(new, old)

    def check_create(self, obj: Object) -> list[FieldError]:
        found = metadata.validate(obj["metadata"], namespaced=False, name_rule=_name_rule(obj))
        return [*found, *check_definition(obj)]

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        found = metadata.validate_update(new["metadata"], old["metadata"])
        return [*found, *check_definition_update(new, old, established=definition.is_established(old))]


def _name_rule(obj: Object) -> Callable[[str], list[str]]:
    """The name repeats plural and group."""
    spec = obj.get("spec") or {}
    wanted = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"

    def check(name: str) -> list[str]:
        problems = names.dns_subdomain(name)
        return problems if name == wanted else [*problems, 'must be spec.names.plural+"."+spec.group']

    return check
