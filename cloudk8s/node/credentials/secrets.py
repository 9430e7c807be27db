"""Logins to image registries, from the secrets that a pod names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from cloudk8s.client.events import EventKind
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of, spec_of
from cloudk8s.machinery import codec
from cloudk8s.node.credentials.matching import fits
from cloudk8s.node.runtimes.interface import Credentials

Announce = Callable[[Object, EventKind, str, str], None]
"""Say something about a pod: kind, reason and note of an event."""
_MAY_FAIL = "attempting to pull the image may not succeed."
_KEYS = ((".dockerconfigjson", True), (".dockercfg", False))


class SecretReader(Protocol):
    """Where secrets come from."""

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A secret; None where there is none."""


class SecretLogins:
    """Fulfils `CredentialSource`."""

    def __init__(self, secrets: SecretReader, *, announce: Announce) -> None:
        self._secrets, self._announce = secrets, announce

    async def credentials(self, pod: Object, reference: str) -> Sequence[Credentials]:
        found: list[Credentials] = []
        missing: list[str] = []
        for name in filter(None, (each.get("name") for each in spec_of(pod).get("imagePullSecrets") or ())):
            secret = await self._secrets.secret(namespace_of(pod), name)
            if secret is None:
                missing.append(name)
            else:
                found += logins(secret, reference)
        if missing:
            names = ", ".join(missing)
            note = f"Unable to retrieve some image pull secrets ({names}); {_MAY_FAIL}"
            self._announce(pod, "Warning", "FailedToRetrieveImagePullSecret", note)
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
