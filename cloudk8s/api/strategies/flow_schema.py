"""FlowSchemas."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import SpecStatusStrategy, spec_of
from cloudk8s.api.validation.flow_control.schema import check_flow_schema_spec, check_old_conditions


class FlowSchemaStrategy(SpecStatusStrategy):
    """The FlowSchema kind."""

    namespaced = False
    allow_unconditional_update = False
    status_keeps = "metadata"

    def set_defaults(self, obj: Object) -> None:
        spec = spec_of(obj)
        spec["matchingPrecedence"] = spec.get("matchingPrecedence") or 1000
        self.default_status(obj)

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = super().check_create(obj)
        check_old_conditions(errors, (obj.get("status") or {}).get("conditions") or ())
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_flow_schema_spec(errors, obj["spec"], obj["metadata"].get("name") or "")

    def check_status(self, errors: list[FieldError], new: Object, old: Object) -> None:
        check_old_conditions(errors, (new.get("status") or {}).get("conditions") or ())
