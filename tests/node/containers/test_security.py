"""What of both security contexts holds for a container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudk8s.node.containers.environment import ConfigurationError
from cloudk8s.node.containers.security import security
from cloudk8s.node.runtimes.interface import Image, Security

PLAIN = Image("i")
PROFILES = Path("/profiles")


def of(pod: dict[str, Any], own: dict[str, Any] | None = None, image: Image = PLAIN, **fields: Any) -> Security:
    container = {"name": "c", "securityContext": own or {}}
    whole = {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": {"securityContext": pod}}
    return security(whole, container, image, profiles=PROFILES, **fields)


def test_the_containers_own_word_goes_before_the_pods() -> None:
    found = of({"runAsUser": 1001, "runAsGroup": 2001}, {"runAsUser": 0})
    assert (found.run_as_user, found.run_as_group) == (0, 2001)


def test_groups_are_the_pods() -> None:
    found = of({"supplementalGroups": [1, 2], "fsGroup": 3, "supplementalGroupsPolicy": "Strict"})
    assert (found.supplemental_groups, found.strict_groups) == ((1, 2, 3), True)
    assert not of({"supplementalGroupsPolicy": "Merge"}).strict_groups


def test_the_images_user_counts_where_nobody_says_another() -> None:
    image = Image("i", user="web")
    assert of({}, image=image).run_as_username == "web"
    assert of({"runAsUser": 1}, image=image).run_as_username == ""


@pytest.mark.parametrize(
    ("pod", "own", "user", "words"),
    [
        ({"runAsNonRoot": True}, {}, "", "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True}, {}, "0:5", "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True}, {}, "web", "has non-numeric user (web), cannot verify user is non-root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, {}, "7", "container's runAsUser breaks non-root policy"),
        ({"runAsUser": 5}, {"runAsNonRoot": True, "runAsUser": 0}, "", "breaks non-root policy"),
        ({"runAsNonRoot": True}, {}, "7", ""), ({"runAsNonRoot": True}, {"runAsUser": 7}, "", ""),
        ({"runAsNonRoot": True}, {"runAsNonRoot": False}, "", ""),
    ],
)  # fmt: skip
def test_who_must_not_be_root_is_not(pod: dict[str, Any], own: dict[str, Any], user: str, words: str) -> None:
    if not words:
        of(pod, own, Image("i", user=user))
        return
    with pytest.raises(ConfigurationError) as caught:
        of(pod, own, Image("i", user=user))
    assert words in str(caught.value)
    assert str(caught.value).endswith('(pod: "p_d(u)", container: c)')


def test_profiles_are_found_by_their_type() -> None:
    local = {"type": "Localhost", "localhostProfile": "audit.json"}
    assert of({"seccompProfile": local}).seccomp == "/profiles/audit.json"
    assert of({"seccompProfile": local}, {"seccompProfile": {"type": "Unconfined"}}).seccomp == "Unconfined"
    assert of({}).seccomp == "Unconfined"
    assert of({}, default_profile="RuntimeDefault").seccomp == "RuntimeDefault"
    assert of({}, {"appArmorProfile": {"type": "Localhost", "localhostProfile": "own"}}).apparmor == "localhost/own"


def test_who_is_privileged_is_confined_by_nothing() -> None:
    confined = {"seccompProfile": {"type": "RuntimeDefault"}, "appArmorProfile": {"type": "RuntimeDefault"}}
    found = of(confined, {"privileged": True, "allowPrivilegeEscalation": False})
    assert (found.seccomp, found.apparmor, found.no_new_privileges) == ("Unconfined", "", False)
    assert of({}, {"allowPrivilegeEscalation": False}).no_new_privileges


def test_the_rest_is_the_containers_own() -> None:
    own = {
        "capabilities": {"add": ["SYS_TIME"], "drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "procMount": "Unmasked",
    }
    found = of({}, own)
    assert (found.capabilities_add, found.capabilities_drop) == (("SYS_TIME",), ("ALL",))
    assert (found.readonly_root, found.unmasked_proc) == (True, True)
