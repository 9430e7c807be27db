"""Logins from the secrets that a pod names."""

from __future__ import annotations

import base64
import json
from typing import Any

from cloudk8s.node.credentials.secrets import SecretLogins, logins
from cloudk8s.node.runtimes.interface import Credentials

POD = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"imagePullSecrets": [{"name": "gone"}, {"name": "a"}]},
}


def secret(document: Any, key: str = ".dockerconfigjson") -> dict[str, Any]:
    return {"data": {key: base64.b64encode(json.dumps(document).encode()).decode()}}


class Secrets:
    async def secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        entry = {"username": "ada", "password": "key"}
        return secret({"auths": {"registry.example.com": entry}}) if (namespace, name) == ("shop", "a") else None


async def test_a_secret_that_is_not_there_is_left_out_and_told() -> None:
    told: list[tuple[str, str]] = []
    source = SecretLogins(Secrets(), announce=lambda pod, kind, reason, note: told.append((reason, note)))
    assert await source.credentials(POD, "registry.example.com/app") == [Credentials("ada", "key")]
    note = "Unable to retrieve some image pull secrets (gone); attempting to pull the image may not succeed."
    assert told == [("FailedToRetrieveImagePullSecret", note)]


def test_the_most_specific_login_comes_first() -> None:
    auths = {"example.com": {"username": "all"}, "example.com/team": {"auth": base64.b64encode(b"team:x:y").decode()}}
    assert logins(secret({"auths": auths}), "example.com/team/app") == [
        Credentials("team", "x:y"), Credentials("all")
    ]  # fmt: skip


def test_the_older_kind_of_secret_has_no_auths() -> None:
    found = logins(secret({"example.com": {"username": "ada"}}, ".dockercfg"), "example.com/app")
    assert found == [Credentials("ada")]


def test_a_secret_that_can_not_be_read_gives_no_login() -> None:
    assert logins({"data": {".dockerconfigjson": "!"}}, "example.com/app") == []
    assert logins({"data": {".dockerconfigjson": base64.b64encode(b"{").decode()}}, "example.com/app") == []
