"""Endpoints."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.address_warnings import address_warnings
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata
from cloudk8s.api.validation.network.endpoints import check_subsets


class EndpointsStrategy(BuiltinStrategy):
    """The Endpoints kind."""

    allow_create_on_update = True

    def set_defaults(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                port["protocol"] = port.get("protocol") or "TCP"

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        return metadata.validate_update(new["metadata"], old["metadata"]) + self.check_create(new)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_subsets(errors, obj.get("subsets") or ())

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        warnings = []
        for index, subset in enumerate(new.get("subsets") or ()):
            for field in ("addresses", "notReadyAddresses"):
                for position, address in enumerate(subset.get(field) or ()):
                    path = f"subsets[{index}].{field}[{position}].ip"
                    warnings += address_warnings(path, address.get("ip") or "")
        return warnings
