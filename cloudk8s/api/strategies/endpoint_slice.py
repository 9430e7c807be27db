"""EndpointSlices."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.address_warnings import address_warnings
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation.network.endpoints import check_endpoint_slice
from cloudk8s.api.validation.values import check_immutable


class EndpointSliceStrategy(BuiltinStrategy):
    """The EndpointSlice kind: everything but metadata is its spec; labels count too."""

    has_generation = True

    def set_defaults(self, obj: Object) -> None:
        for port in obj.setdefault("ports", None) or ():
            port.setdefault("name", "")
            port.setdefault("protocol", "TCP")
        for endpoint in obj.setdefault("endpoints", None) or ():
            endpoint.setdefault("conditions", {})

    def spec_changed(self, new: Object, old: Object) -> bool:
        """Upstream counts a change of any field that it does not know to be irrelevant."""
        return _relevant(new) != _relevant(old)

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = self.check_create(new)
        check_immutable(errors, "addressType", new.get("addressType", ""), old.get("addressType", ""))
        return errors

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_endpoint_slice(errors, obj)

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        if new.get("addressType") == "FQDN":
            return ["addressType: FQDN endpoints are deprecated"]
        warnings = []
        for index, endpoint in enumerate(new.get("endpoints") or ()):
            for position, address in enumerate(endpoint.get("addresses") or ()):
                warnings += address_warnings(f"endpoints[{index}].addresses[{position}]", address)
        return warnings


def _relevant(slice_: Object) -> dict[str, Any]:
    meta = slice_["metadata"]
    relevant = {key: value for key, value in slice_.items() if key not in ("metadata", "apiVersion", "kind")}
    return relevant | {"labels": meta.get("labels") or {}}
