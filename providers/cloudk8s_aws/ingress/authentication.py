"""Who has to sign in first: annotations become the action that a load balancer takes before all others. Pure.

https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/#authentication
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, namespace_of
from cloudk8s.cloud.stack.resource import digest
from cloudk8s.plugin import Unsupported
from cloudk8s_aws.ingress.group import PREFIX
from cloudk8s_aws.ingress.options import json_of
from cloudk8s_aws.load_balancers.values import Annotations

WEEK = 604800
OIDC = {
    "issuer": "Issuer", "authorizationEndpoint": "AuthorizationEndpoint", "tokenEndpoint": "TokenEndpoint",
    "userInfoEndpoint": "UserInfoEndpoint",
}  # fmt: skip
COGNITO = {"userPoolARN": "UserPoolArn", "userPoolClientID": "UserPoolClientId", "userPoolDomain": "UserPoolDomain"}
EXTRA = "authenticationRequestExtraParams"


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """What the load balancer proves itself with to the identity provider."""

    id: str
    secret: str = field(repr=False)

    @property
    def mark(self) -> str:
        """Stands for it wherever it could be seen."""
        return digest([self.id, self.secret])


def secret_of(ingress: Object, service: Object | None) -> str:
    """`namespace/name` of the Secret that authentication needs; empty where it needs none."""
    given = _given(ingress, service)
    if _type_of(given) != "oidc":
        return ""
    return f"{namespace_of(ingress)}/{_text(given, 'auth-idp-oidc', 'secretName')}"


def read_secret(name: str, found: Object) -> ClientSecret:
    """Raises Unsupported where the Secret lacks something."""
    data: Mapping[str, str] = found.get("data") or {}
    try:
        id = data.get("clientID") or data.get("clientId") or ""
        values = [base64.b64decode(text, validate=True).decode().rstrip("\n") for text in (id, data["clientSecret"])]
    except (KeyError, binascii.Error, UnicodeDecodeError) as error:
        raise Unsupported(f"secret {name}", f"secret {name} needs clientID and clientSecret") from error
    if not all(values):
        raise Unsupported(f"secret {name}", f"secret {name} needs clientID and clientSecret")
    return ClientSecret(*values)


def sign_in(ingress: Object, service: Object | None, secrets: Mapping[str, ClientSecret]) -> Mapping[str, Any] | None:
    """The action; None where everybody may come in. Raises Unsupported, which names the annotation.

    In place of the client's secret it holds the secret's mark.
    """
    given = _given(ingress, service)
    kind = _type_of(given)
    if kind == "none":
        return None
    if kind == "cognito":
        named = {theirs: _text(given, "auth-idp-cognito", ours) for ours, theirs in COGNITO.items()}
        config = {**named, **_common(given, "auth-idp-cognito")}
        return {"Type": "authenticate-cognito", "AuthenticateCognitoConfig": config}
    named = {theirs: _text(given, "auth-idp-oidc", ours) for ours, theirs in OIDC.items()}
    name = secret_of(ingress, service)
    if name not in secrets:
        raise Unsupported("metadata.annotations", f"there is no secret {name}")
    client = {"ClientId": secrets[name].id, "ClientSecret": secrets[name].mark}
    return {
        "Type": "authenticate-oidc",
        "AuthenticateOidcConfig": {**named, **client, **_common(given, "auth-idp-oidc")},
    }


def _given(ingress: Object, service: Object | None) -> Annotations:
    """A Service's annotations win over the Ingress's."""
    values = {**Annotations.of(annotations_of(ingress), PREFIX).values}
    if service is not None:
        values |= Annotations.of(annotations_of(service), PREFIX).values
    return Annotations(values, PREFIX)


def _type_of(given: Annotations) -> str:
    return given.choice("auth-type", ("none", "oidc", "cognito"), "none")


def _common(given: Annotations, annotation: str) -> dict[str, Any]:
    extra = _json(given, annotation).get(EXTRA) or {}
    if not isinstance(extra, dict):
        raise given.wrong(annotation, f"{EXTRA} is a table of texts")
    return {
        "OnUnauthenticatedRequest": given.choice(
            "auth-on-unauthenticated-request", ("authenticate", "allow", "deny"), "authenticate"
        ),
        "Scope": given.text("auth-scope", "openid"),
        "SessionCookieName": given.text("auth-session-cookie", "AWSELBAuthSessionCookie"),
        "SessionTimeout": given.number("auth-session-timeout", WEEK, 1, WEEK),
        **({"AuthenticationRequestExtraParams": {key: str(value) for key, value in extra.items()}} if extra else {}),
    }


def _text(given: Annotations, annotation: str, name: str) -> str:
    value = _json(given, annotation).get(name)
    if not isinstance(value, str) or not value:
        raise given.wrong(annotation, f"{name} is missing")
    return value


def _json(given: Annotations, annotation: str) -> Mapping[str, Any]:
    value = json_of(given, annotation, {})
    if not isinstance(value, dict):
        raise given.wrong(annotation, "it is a table in JSON")
    return value
