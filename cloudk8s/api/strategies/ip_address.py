"""IPAddresses."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class IPAddressStrategy(BuiltinStrategy):
    """The IPAddress kind."""

    namespaced = False

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj)
