from __future__ import annotations

import base64

import pytest

from cloudk8s.apiserver.authentication.bootstrap_token import SECRET_TYPE, BootstrapTokens
from cloudk8s.machinery.clock import FakeClock
from tests.apiserver.authentication.requests import Objects

TOKEN = "abcdef.0123456789abcdef"
GOOD = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}


def tokens(type: str = SECRET_TYPE, **data: str) -> BootstrapTokens:
    objects = Objects()
    fields = {key: value for key, value in (GOOD | {k.replace("_", "-"): v for k, v in data.items()}).items() if value}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in fields.items()}
    objects.add("secrets", "bootstrap-token-abcdef", "kube-system", type=type, data=encoded)
    return BootstrapTokens(objects, api_audiences=("api",), clock=FakeClock())


def test_a_token_names_its_user_and_groups() -> None:
    verified = tokens(auth_extra_groups="system:bootstrappers:b,system:bootstrappers:a").verify(TOKEN, ("api",))
    assert verified is not None
    assert verified.user.name == "system:bootstrap:abcdef"
    assert verified.user.groups == ("system:bootstrappers", "system:bootstrappers:a", "system:bootstrappers:b")
    assert verified.good_for == float("inf")


def test_a_token_may_expire() -> None:
    verified = tokens(expiration="2026-01-01T00:01:00Z").verify(TOKEN, ())
    assert verified is not None
    assert verified.good_for == 60


@pytest.mark.parametrize(
    "secret",
    [
        tokens(type="Opaque"),
        tokens(token_id="xxxxxx"),
        tokens(token_secret="xxxxxxxxxxxxxxxx"),
        tokens(usage_bootstrap_authentication=""),
        tokens(auth_extra_groups="system:masters"),
        tokens(expiration="2025-12-31T23:59:00Z"),
        tokens(expiration="soon"),
    ],
)
def test_secrets_that_do_not_fit_are_refused(secret: BootstrapTokens) -> None:
    assert secret.verify(TOKEN, ()) is None


def test_other_tokens_are_left_to_others() -> None:
    for token in ("ABCDEF.0123456789abcdef", "abcdef", "fedcba.0123456789abcdef"):
        assert tokens().verify(token, ()) is None
    assert tokens().verify(TOKEN, ("else",)) is None
