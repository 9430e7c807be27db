"""Tokens in Secrets of type `kubernetes.io/service-account-token`: they do not expire, but go with the Secret."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudk8s.apiserver.authentication import user as users
from cloudk8s.apiserver.authentication.interface import Lookup, Verified
from cloudk8s.apiserver.authentication.signing_key import SigningKey, unverified_claims
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.errors import Unauthorized

ISSUER = "kubernetes/serviceaccount"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
LAST_USED = "kubernetes.io/legacy-token-last-used"
_CLAIM = "kubernetes.io/serviceaccount/"


class LegacyTokens:
    """Fulfils `TokenAuthenticator`. `on_use` is called with the Secret of every token that was accepted."""

    def __init__(
        self,
        keys: Sequence[SigningKey],
        lookup: Lookup,
        *,
        api_audiences: Sequence[str] = (),
        on_use: Callable[[Mapping[str, Any]], None] = lambda secret: None,
    ) -> None:
        self._keys = tuple(keys)
        self._lookup = lookup
        self._on_use = on_use
        self._audiences = tuple(api_audiences)

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        claimed = unverified_claims(token)
        if claimed is None or claimed.get("iss") != ISSUER:
            return None
        claims = self._verified_claims(token)
        common = tuple(each for each in audiences if each in self._audiences)
        if audiences and not common:
            raise Unauthorized("a token in a Secret is only for the API server")
        secret = self._secret(token, claims)
        verified = Verified(self._user(claims), common, float("inf"))
        self._on_use(secret)
        return verified

    def _verified_claims(self, token: str) -> Mapping[str, Any]:
        for key in self._keys[:-1]:
            try:
                return key.verify(token)
            except Unauthorized:
                continue
        return self._keys[-1].verify(token)

    def _secret(self, token: str, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The Secret that holds the token. Raises Unauthorized."""
        namespace, name = _claim(claims, "namespace"), _claim(claims, "secret.name")
        secret = self._lookup("", "secrets", name, namespace)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            raise Unauthorized("Token has been invalidated")
        held = base64.b64decode((secret.get("data") or {}).get("token", ""))
        if not hmac.compare_digest(held, token.encode()):
            raise Unauthorized("Token does not match server's copy")
        if (secret["metadata"].get("labels") or {}).get(INVALID_SINCE):
            raise Unauthorized(f"the token in secret {namespace}/{name} has been marked invalid")
        return secret

    def _user(self, claims: Mapping[str, Any]) -> UserInfo:
        namespace, name = _claim(claims, "namespace"), _claim(claims, "service-account.name")
        account = self._lookup("", "serviceaccounts", name, namespace)
        if account is None:
            raise Unauthorized(f'serviceaccounts "{name}" not found')
        found, claimed = account["metadata"].get("uid"), _claim(claims, "service-account.uid")
        if account["metadata"].get("deletionTimestamp"):
            raise Unauthorized(f"ServiceAccount {namespace}/{name} has been deleted")
        if found != claimed:
            raise Unauthorized(f"ServiceAccount UID ({found}) does not match claim ({claimed})")
        groups = users.service_account_groups(namespace)
        return UserInfo(users.service_account_name(namespace, name), claimed, groups).authenticated()


def _claim(claims: Mapping[str, Any], name: str) -> str:
    return str(claims.get(_CLAIM + name) or "")
