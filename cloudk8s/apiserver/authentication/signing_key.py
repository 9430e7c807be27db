"""The keys that service-account tokens are signed and verified with.

The libraries behind them are imported at the first token, not at start.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cloudk8s.errors import SettingsError, Unauthorized
from cloudk8s.machinery import codec

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}


class SigningKey:
    """One key, PEM; public ones verify only."""

    def __init__(self, pem: bytes) -> None:
        self._pem = pem

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A JSON Web Token with these claims."""
        from joserfc import jws

        header = {"alg": self.algorithm, "kid": self.key_id}
        return jws.serialize_compact(header, codec.encode(claims), self._key, [self.algorithm])

    def verify(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that this key signed; raises Unauthorized. Times are not looked at."""
        from joserfc import jws
        from joserfc.errors import JoseError

        try:
            payload = jws.deserialize_compact(token.encode(), self._key, [self.algorithm]).payload
            claims = codec.decode(payload)
        except (JoseError, ValueError) as error:
            raise Unauthorized(f"failed to verify the token's signature: {error}") from error
        if not isinstance(claims, dict):
            raise Unauthorized("the token's claims are not an object")
        return claims

    @cached_property
    def key_id(self) -> str:
        """Upstream's: the SHA-256 of the public key in PKIX form."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        public = self._key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.urlsafe_b64encode(hashlib.sha256(public).digest()).rstrip(b"=").decode()

    @cached_property
    def algorithm(self) -> str:
        """RS256 for RSA, ES256 and its kind for elliptic curves."""
        curve = self._key.as_dict(private=False).get("crv", "")
        return _CURVES[str(curve)] if self._key.key_type == "EC" else "RS256"

    def as_jwk(self) -> dict[str, Any]:
        """The public key as an entry of a JSON Web Key Set."""
        public = {key: value for key, value in self._key.as_dict(private=False).items() if key != "kid"}
        kind = {"use": "sig", "kty": public.pop("kty"), "kid": self.key_id, "alg": self.algorithm}
        return kind | public

    @cached_property
    def _key(self) -> ECKey | RSAKey:
        from joserfc.errors import JoseError
        from joserfc.jwk import ECKey, RSAKey

        for kind in (ECKey, RSAKey):
            try:
                return kind.import_key(self._pem)
            except (JoseError, TypeError, ValueError):
                continue
        raise SettingsError("a service-account key must be an RSA or an elliptic curve key in PEM form")


def unverified_claims(token: str) -> Mapping[str, Any] | None:
    """What a token says of itself, to see whose it is; None for what is no JSON Web Token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = codec.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None
