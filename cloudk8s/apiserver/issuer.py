"""What others need to check service-account tokens: OpenID discovery and the public keys."""

from __future__ import annotations

from collections.abc import Callable

from cloudk8s.apiserver.authentication.service_account import ServiceAccountTokens
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.paths import Paths
from cloudk8s.machinery import codec

KEYS_PATH = "/openid/v1/jwks"
_HEADERS = [("Cache-Control", "public, max-age=3600")]


def add_issuer(paths: Paths, tokens: ServiceAccountTokens, address: Callable[[], str]) -> None:
    """Answer `/.well-known/openid-configuration` and where the keys are; `address` is the server's host and port."""

    def configuration(context: RequestContext, request: Request) -> Response:
        return _document(openid_configuration(tokens, address()), "application/json")

    def keys(context: RequestContext, request: Request) -> Response:
        return _document({"keys": [key.as_jwk() for key in tokens.keys]}, "application/jwk-set+json")

    paths.add("/.well-known/openid-configuration", configuration)
    paths.add(KEYS_PATH, keys)


def openid_configuration(tokens: ServiceAccountTokens, address: str) -> dict[str, object]:
    """The provider metadata; the keys are at this server, whatever the issuer's name."""
    return {
        "issuer": tokens.issuer,
        "jwks_uri": f"https://{address}{KEYS_PATH}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted({key.algorithm for key in tokens.keys}),
    }


def _document(tree: dict[str, object], content_type: str) -> Response:
    return Response(200, codec.encode(tree), content_type, _HEADERS)
