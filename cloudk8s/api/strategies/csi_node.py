"""CSINodes."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.storage.drivers import check_node_drivers, check_node_drivers_kept


class CSINodeStrategy(BuiltinStrategy):
    """The CSINode kind."""

    namespaced = False
    allow_unconditional_update = False

    def set_defaults(self, obj: Object) -> None:
        drivers = spec_of(obj).setdefault("drivers", None)
        for driver in drivers or ():
            driver.setdefault("topologyKeys", None)

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        check_node_drivers(errors, obj["spec"].get("drivers") or ())
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new)
        drivers, before = (obj["spec"].get("drivers") or () for obj in (new, old))
        check_node_drivers_kept(errors, drivers, before)
        return errors
