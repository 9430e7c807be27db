"""VolumeAttributesClasses."""

from __future__ import annotations

from cloudk8s.api.strategies.builtin import BuiltinStrategy


class VolumeAttributesClassStrategy(BuiltinStrategy):
    """The VolumeAttributesClass kind."""

    namespaced = False
