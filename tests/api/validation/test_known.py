"""Pod specs found sound before: what counts as the same spec."""

from __future__ import annotations

import copy
from typing import Any

from cloudk8s.api.strategies import strategies
from cloudk8s.api.validation.pod.known import KnownSpecs, key_of


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
    one, other = (key_of(with_token(f"kube-api-access-{suffix}")["spec"]) for suffix in ("ab1cd", "xyz99"))
    assert one == other
    assert one != key_of(with_token("kube-api-access-TOOBIG")["spec"])
    assert one != key_of(with_token("kube-api-access-a_b.c")["spec"])


def test_ephemeral_volumes_are_never_known() -> None:
    spec, known = pod(volumes=[{"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}])["spec"], KnownSpecs()
    assert not known.is_sound(spec)
    known.note_sound(spec)
    known.note_usual(spec)
    assert not known.is_sound(spec)
    assert not known.recognize(spec)


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


def test_only_a_spec_that_pods_were_made_of_is_recognized() -> None:
    known, spec = KnownSpecs(), with_token("kube-api-access-ab1cd")["spec"]
    assert not known.recognize(spec)
    assert not known.is_sound(spec)
    known.note_sound(spec)
    assert known.is_sound(spec)
    assert not known.recognize(spec)
    known.note_usual(spec)
    same = with_token("kube-api-access-xyz99")["spec"]
    assert known.recognize(same)
    assert known.is_recognized(same)
    assert known.is_sound(same)
    assert not known.recognize(pod()["spec"])
    assert not known.is_recognized(same)


def test_what_is_noted_is_the_spec_that_was_asked_about() -> None:
    known, one, other = KnownSpecs(), pod()["spec"], pod(hostNetwork=True)["spec"]
    assert not known.is_sound(one)
    known.note_sound(other)
    assert not known.is_sound(one)
    assert not known.is_sound(other)


def test_a_recognized_spec_is_still_warned_of_for_its_annotations() -> None:
    strategy = strategies()["", "Pod"]
    strategy.known_parts(one := pod())
    assert (strategy.validate_create(one), strategy.warnings(one, None)) == ([], [])
    strategy.note_usual(one)
    other = pod()
    other["metadata"]["annotations"] = {"scheduler.alpha.kubernetes.io/critical-pod": "", "x" * 300: ""}
    assert strategy.known_parts(other) == {"spec": other["spec"]}
    assert [error.path for error in strategy.validate_create(other)] == ["metadata.annotations"]
    assert len(strategy.warnings(other, None)) == 1


def test_versions_do_not_share_what_is_complete() -> None:
    newer, older = strategies()["", "Pod"], strategies("1.31")["", "Pod"]
    one = pod(hostname="of-the-newer-one")
    older.note_usual(one)
    assert older.known_parts(copy.deepcopy(one))
    assert not newer.known_parts(copy.deepcopy(one))
