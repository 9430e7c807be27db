"""`--feature-gates`, refused in upstream's words."""

from __future__ import annotations

import difflib

from cloudk8s.api.features.gates import STAGES, FeatureGates
from cloudk8s.api.features.table import gates, without_effect
from cloudk8s.errors import SettingsError

_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def parse_feature_gates(text: str, version: str) -> FeatureGates:
    """Read `Name=true,Other=false` for a Kubernetes version; SettingsError for what cannot be."""
    requested: dict[str, bool] = {}
    for part in (part.strip() for part in text.split(",")):
        if part:
            name, value = _setting(part)
            requested[name] = value
    features = FeatureGates(version, tuple(requested.items()))
    for name, value in requested.items():
        _check(name, value, features)
    return features


def ineffective(features: FeatureGates) -> tuple[str, ...]:
    """The gates that were asked for and that nothing here depends on."""
    return tuple(name for name, _ in features.requested if name in without_effect())


def _setting(part: str) -> tuple[str, bool]:
    name, equals, value = (piece.strip() for piece in part.partition("="))
    if not equals:
        raise SettingsError(f"--feature-gates: missing bool value for {name}")
    if value not in _BOOLEANS:
        problem = f'strconv.ParseBool: parsing "{value}": invalid syntax'
        raise SettingsError(f"--feature-gates: invalid value of {name}: {value}, err: {problem}")
    return name, _BOOLEANS[value]


def _check(name: str, value: bool, features: FeatureGates) -> None:
    if name in STAGES or name in without_effect():
        return
    gate = gates().get(name)
    if gate is None:
        near = difflib.get_close_matches(name, [*gates(), *without_effect(), *STAGES], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise SettingsError(f"--feature-gates: unrecognized feature gate: {name}{hint}")
    stage, said = gate.stage(features.minor), str(value).lower()
    if stage is None:
        raise SettingsError(
            f"--feature-gates: cannot set feature gate {name} to {said}, it is not in Kubernetes {features.version} yet"
        )
    if stage.locked and value is not stage.default:
        locked = str(stage.default).lower()
        raise SettingsError(f"--feature-gates: cannot set feature gate {name} to {said}, feature is locked to {locked}")
