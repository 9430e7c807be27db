"""RuntimeClasses."""

from __future__ import annotations

from cloudk8s.api.strategies.builtin import BuiltinStrategy


class RuntimeClassStrategy(BuiltinStrategy):
    """The RuntimeClass kind."""

    namespaced = False
    allow_unconditional_update = False
