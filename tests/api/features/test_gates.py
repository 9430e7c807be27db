"""Which features are on, by version and by request."""

from __future__ import annotations

import pytest

from cloudk8s.api.decoding.go_fields import short
from cloudk8s.api.features import FeatureGates, ineffective, parse_feature_gates
from cloudk8s.api.features.table import gates, without_effect
from cloudk8s.api.registry import Registry, load_registry
from cloudk8s.errors import SettingsError


def test_gates_follow_their_stages() -> None:
    assert not FeatureGates("1.28").is_on("SidecarContainers")
    assert FeatureGates("1.29").is_on("SidecarContainers")
    assert not FeatureGates("1.25").is_on("GenericWorkload")
    assert [FeatureGates(f"1.{minor}").is_on("MaxUnavailableStatefulSet") for minor in (34, 35, 36, 37)] == [
        False, True, False, True,
    ]  # fmt: skip


def test_a_request_turns_a_gate_on_or_off() -> None:
    features = parse_feature_gates("GenericWorkload=true, HPAScaleToZero=false", "1.37")
    assert features.is_on("GenericWorkload")
    assert not features.is_on("HPAScaleToZero")
    assert "core.v1.PodSpec.schedulingGroup" not in features.dropped
    assert "core.v1.PodSpec.schedulingGroup" in FeatureGates("1.37").dropped


def test_all_of_a_stage_can_be_turned_on_but_for_some() -> None:
    features = parse_feature_gates("AllAlpha=true,EmptyDirVolumeMode=false", "1.37")
    assert features.is_on("VolumeBindMountOptions")
    assert not features.is_on("EmptyDirVolumeMode")
    assert not features.is_on("GenericWorkload"), "it is beta"
    assert not parse_feature_gates("AllBeta=false", "1.37").is_on("HPAScaleToZero")
    assert parse_feature_gates("AllBeta=false", "1.37").is_on("SidecarContainers"), "it is locked"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("GenericWorkload", "missing bool value for GenericWorkload"),
        ("GenericWorkload=yes", 'invalid value of GenericWorkload: yes, err: strconv.ParseBool: parsing "yes"'),
        ("GenericWorkloads=true", "unrecognized feature gate: GenericWorkloads; did you mean GenericWorkload?"),
        ("SidecarContainers=false", "cannot set feature gate SidecarContainers to false, feature is locked to true"),
        ("EmptyDirVolumeMode=true", "cannot set feature gate EmptyDirVolumeMode to true, it is not in Kubernetes 1.36"),
    ],
)
def test_what_cannot_be_is_refused_by_name(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse_feature_gates(text, "1.36")
    assert problem in str(refusal.value)


def test_gates_of_other_components_are_taken_and_named() -> None:
    assert ineffective(parse_feature_gates("NodeSwap=false,SidecarContainers=true", "1.37")) == ("NodeSwap",)
    assert not without_effect() & gates().keys()


def test_stages_stand_in_order() -> None:
    for name, gate in gates().items():
        assert [stage.since for stage in gate.stages] == sorted(stage.since for stage in gate.stages), name


def test_gated_fields_exist(registry: Registry) -> None:
    """In 1.37, or in the versions in which they were tried out."""
    names = {short(name): name for name in registry.definitions.names}
    removed = {"core.v1.PodSpec.workloadRef", "resource.v1.Device.nodeAllocatableResourceMappings"}
    for field in {field for gate in gates().values() for field in gate.fields} - removed:
        struct, _, name = field.rpartition(".")
        assert name in (registry.definitions[names[struct]].properties or {}), field


def test_the_registry_of_a_version_carries_its_gates() -> None:
    assert load_registry().features == FeatureGates("1.37")
