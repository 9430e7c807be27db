"""A declaration becomes objects, and objects become a declaration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudk8s.client.interface import Object
from cloudk8s.errors import SettingsError
from cloudk8s.provisioning.declaration.cluster import ClusterDeclaration
from cloudk8s.provisioning.objects import kinds
from cloudk8s.provisioning.objects.declaring import Found, declared_by, is_paused
from cloudk8s.provisioning.objects.writing import written
from tests.provisioning.harness import declaration

FULL = declaration(
    controlPlane={"replicas": 3, "type": "large", "options": {"a": 1}}, kubernetesVersion="1.36", tags={"team": "a"},
    network={"cidr": "10.1.0.0/16"}, bootstrap={"options": {"runtime": "cri"}},
    pools=[
        {
            "name": "web", "replicas": 4, "type": "small", "labels": {"tier": "web"}, "zones": ["sim-1a"],
            "taints": [{"key": "only", "value": "web", "effect": "NoExecute"}], "min": 2, "max": 9, "spot": True,
            "rollout": {"maxSurge": "20%", "maxUnavailable": 1, "drainTimeout": "PT1M"}, "deleteOrder": "Oldest",
            "healthCheck": {"maxUnhealthy": "50%", "maxInFlight": 2, "maxRetries": 7, "unhealthyTimeout": "PT2M"},
        },
        {"name": "batch", "replicas": 0, "healthCheck": {"enabled": False}, "rollout": {"type": "OnDelete"}},
    ],
)  # fmt: skip


def objects(declared: ClusterDeclaration) -> dict[Any, dict[str, Object]]:
    found: dict[Any, dict[str, Object]] = {kind: {} for kind in kinds.KINDS}
    for entry in written(declared, "api.example.com:6443"):
        kind = next(kind for kind in kinds.KINDS if kind.kind == entry["kind"])
        found[kind][entry["metadata"]["name"]] = entry
    return found


def pool(found: Found, name: str = "web") -> Object:
    return found[kinds.MACHINE_DEPLOYMENTS][f"demo-{name}"]


@pytest.mark.parametrize("declared", [FULL, declaration(), declaration(pools=[])])
def test_what_was_written_declares_the_same(declared: ClusterDeclaration) -> None:
    assert declared_by(declared, objects(declared)) == declared


def test_fresh_objects_need_no_record_but_for_what_they_have_no_word_for() -> None:
    bare = declaration(settings=FULL.settings)
    known = declared_by(bare, objects(FULL))
    [web, _] = known.pools
    assert web.health_check.max_retries == 3
    assert web.model_copy(update={"health_check": FULL.pools[0].health_check}) == FULL.pools[0]


CHANGES: list[tuple[Callable[[Any], None], Callable[[ClusterDeclaration], object], object]] = [
    (lambda f: pool(f)["spec"].update(replicas=7), lambda d: d.pools[0].replicas, 7),
    (lambda f: pool(f)["spec"].update(paused=True), lambda d: d.pools[0].paused, True),
    (lambda f: pool(f)["metadata"]["annotations"].update({kinds.PAUSED: ""}), lambda d: d.pools[0].paused, True),
    (lambda f: pool(f)["metadata"].update(annotations={}), lambda d: (d.pools[0].min, d.pools[0].max), (None, None)),
    (
        lambda f: pool(f)["metadata"]["annotations"].update({kinds.MAX_SIZE: "20"}),
        lambda d: d.pools[0].max, 20,
    ),
    (lambda f: f[kinds.CONTROL_PLANES]["demo"]["spec"].update(version="v1.37"), lambda d: d.version, "1.37"),
    (lambda f: f[kinds.CONTROL_PLANES]["demo"]["spec"].update(replicas=5), lambda d: d.control_plane.replicas, 5),
    (
        lambda f: f[kinds.TEMPLATES]["demo-web"]["spec"]["template"]["spec"].update(type="huge"),
        lambda d: d.pools[0].type, "huge",
    ),
    (lambda f: f[kinds.MACHINE_HEALTH_CHECKS].clear(), lambda d: d.pools[0].health_check.enabled, False),
    (lambda f: f[kinds.MACHINE_DEPLOYMENTS].pop("demo-batch"), lambda d: [p.name for p in d.pools], ["web"]),
    (
        lambda f: pool(f, "batch")["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"),
        lambda d: [p.name for p in d.pools], ["web"],
    ),
    (
        lambda f: pool(f)["spec"]["template"]["metadata"]["labels"].update(extra="1"),
        lambda d: d.pools[0].labels, {"tier": "web", "extra": "1"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "look", "expected"), CHANGES)
def test_what_people_change_is_declared(
    change: Callable[[Any], None], look: Callable[[ClusterDeclaration], object], expected: object
) -> None:
    found = objects(FULL)
    change(found)
    assert look(declared_by(FULL, found)) == expected


def test_a_pool_of_its_own_needs_a_template_that_is_there() -> None:
    found = objects(FULL)
    fresh = {**pool(found), "metadata": {"name": "demo-more"}}
    found[kinds.MACHINE_DEPLOYMENTS]["demo-more"] = fresh
    assert [each.name for each in declared_by(FULL, found).pools] == ["web", "batch", "more"]
    del found[kinds.TEMPLATES]["demo-web"]
    with pytest.raises(SettingsError, match="there is no CloudK8sMachineTemplate demo-web"):
        declared_by(FULL, found)


def test_a_mistake_in_an_object_is_told() -> None:
    found = objects(FULL)
    found[kinds.CONTROL_PLANES]["demo"]["spec"]["replicas"] = 2
    with pytest.raises(SettingsError, match="tolerate no more failures"):
        declared_by(FULL, found)
    found = objects(FULL)
    found[kinds.INFRASTRUCTURES]["demo"]["spec"]["provider"] = "aws"
    with pytest.raises(SettingsError, match="never changes"):
        declared_by(FULL, found)


def test_a_cluster_is_paused_by_its_spec_or_an_annotation() -> None:
    found = objects(FULL)
    assert not is_paused(found, "demo")
    found[kinds.CLUSTERS]["demo"]["spec"]["paused"] = True
    assert is_paused(found, "demo")
    found = objects(FULL)
    found[kinds.CLUSTERS]["demo"]["metadata"]["annotations"] = {kinds.PAUSED: ""}
    assert is_paused(found, "demo")
