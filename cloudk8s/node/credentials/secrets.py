"""Logins to image registries, from the secrets that a pod names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of
from cloudk8s.machinery import codec
from cloudk8s.node.credentials.matching import fits
from cloudk8s.node.runtimes.interface import Credentials

_KEYS = ((".dockerconfigjson", True), (".dockercfg", False))


class SecretReader(Protocol):
    """Where secrets come from."""

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A secret; None where there is none."""


class SecretLogins:
    """Fulfils `CredentialSource`."""

    def __init__(self, secrets: SecretReader) -> None:
        self._secrets = secrets

    async def credentials(self, pod: Object, reference: str) -> Sequence[Credentials]:
        found: list[Credentials] = []
        for each in spec_of(pod).get("imagePullSecrets") or ():
            secret = await self._secrets.secret(namespace_of(pod), each.get("name", "")) if each.get("name") else None
            if secret is not None:
                found += logins(secret, reference)
        return found


def logins(secret: Object, reference: str) -> list[Credentials]:
    """The logins of one secret that fit an image, the most specific first; unreadable ones are left out."""
    fitting: list[tuple[int, Credentials]] = []
    for key, has_auths in _KEYS:
        data = (secret.get("data") or {}).get(key)
        if data is None:
            continue
        try:
            document = codec.decode(base64.b64decode(data))
        except (binascii.Error, codec.DecodeError):
            continue
        for host, entry in (document.get("auths") or {} if has_auths else document).items():
            if fits(host, reference):
                fitting.append((len(host), _credentials(entry)))
    return [login for _, login in sorted(fitting, key=lambda item: -item[0])]


def _credentials(entry: Mapping[str, Any]) -> Credentials:
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth") and not username:
        username, _, password = base64.b64decode(entry["auth"]).decode("utf-8", "replace").partition(":")
    return Credentials(username, password, entry.get("identitytoken", ""), entry.get("registrytoken", ""))
