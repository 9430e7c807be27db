"""Pod specs found sound before: what counts as the same spec."""

from __future__ import annotations

import copy
from typing import Any

from cloudk8s.api.strategies import strategies
from cloudk8s.api.validation.pod import known


def pod(**spec: Any) -> dict[str, Any]:
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"serviceAccountName": "robot", "containers": [{"name": "main", "image": "app:1"}], **spec},
    }
    strategies()["", "Pod"].set_defaults(made)
    return made


def with_token(name: str) -> dict[str, Any]:
    token = {"name": name, "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    made = pod(volumes=[token])
    made["spec"]["containers"][0]["volumeMounts"] = [{"name": name, "mountPath": "/run/token"}]
    return made


def test_suffix_of_the_token_volume_does_not_count() -> None:
    one, other = (known.key_of(with_token(f"kube-api-access-{suffix}")["spec"]) for suffix in ("ab1cd", "xyz99"))
    assert one == other
    assert one != known.key_of(with_token("kube-api-access-TOOBIG")["spec"])
    assert one != known.key_of(with_token("kube-api-access-a_b.c")["spec"])


def test_ephemeral_volumes_are_never_known() -> None:
    key = known.key_of(pod(volumes=[{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}])["spec"])
    known.remember(key)
    assert not known.is_sound(key)


def test_a_sound_spec_does_not_hide_findings_of_another() -> None:
    strategy, good = strategies()["", "Pod"], pod()
    assert strategy.validate_create(good) == []
    bad = copy.deepcopy(good)
    bad["spec"]["containers"][0]["image"] = ""
    for _ in range(2):
        assert [error.path for error in strategy.validate_create(bad)] == ["spec.containers[0].image"]
    named = copy.deepcopy(good)
    named["metadata"]["name"] = "Bad_"
    assert [error.path for error in strategy.validate_create(named)] == ["metadata.name"]
