"""ResourceSlices."""

from __future__ import annotations

from collections.abc import Mapping

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.devices.slices import check_slice_spec


class ResourceSliceStrategy(BuiltinStrategy):
    """The ResourceSlice kind."""

    namespaced = False
    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        spec = obj.get("spec") or {}
        return {"spec.nodeName": spec.get("nodeName", ""), "spec.driver": spec.get("driver", "")}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"spec.nodeName", "spec.driver"})

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_slice_spec(errors, obj["spec"], old and old["spec"])
