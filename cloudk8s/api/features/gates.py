"""Which features of one server are on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from cloudk8s.api.features.table import Gate, gates

STAGES = {"AllAlpha": "alpha", "AllBeta": "beta"}
"""Gates that stand for all of a stage."""


@dataclass(frozen=True, slots=True)
class FeatureGates:
    """The gates of a Kubernetes version, with what was asked for; a value, so that it may key what is made from it."""

    version: str
    requested: tuple[tuple[str, bool], ...] = ()

    def is_on(self, name: str) -> bool:
        """Whether a gate of the table is on; KeyError for another name."""
        return _is_on(gates()[name], name, self)

    @property
    def minor(self) -> int:
        return int(self.version.partition(".")[2])

    @property
    def dropped(self) -> frozenset[str]:
        """Fields whose gates are off, as `core.v1.PodSpec.schedulingGroup`: whatever they hold is dropped."""
        return _dropped(self)

    def all(self) -> Iterator[tuple[str, str, bool]]:
        """Every gate of the table that this version has: its name, its stage, whether it is on."""
        for name, gate in sorted(gates().items()):
            if (stage := gate.stage(self.minor)) is not None:
                yield name, stage.name, _is_on(gate, name, self)

    def sharing(self, fields: Iterable[str]) -> frozenset[str]:
        """All dropped fields of the gates to which some of `fields` belong."""
        found = set(fields)
        return frozenset(field for gate in _off(self) if found & set(gate.fields) for field in gate.fields)


@cache
def _dropped(features: FeatureGates) -> frozenset[str]:
    return frozenset(field for gate in _off(features) for field in gate.fields)


def _off(features: FeatureGates) -> list[Gate]:
    return [gate for name, gate in gates().items() if not _is_on(gate, name, features)]


def _is_on(gate: Gate, name: str, features: FeatureGates) -> bool:
    stage = gate.stage(features.minor)
    if stage is None or stage.locked:
        return stage is not None
    asked = dict(features.requested)
    if name in asked:
        return asked[name]
    for every, stage_name in STAGES.items():
        if stage.name == stage_name and every in asked:
            return asked[every]
    return stage.default
