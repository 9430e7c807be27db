from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

from cloudk8s.apiserver.authentication import x509
from cloudk8s.apiserver.authentication.bearer import BearerAuthenticator
from cloudk8s.apiserver.authentication.certificate_uses import CertificateUses
from cloudk8s.apiserver.authentication.chain import AuthenticatorChain
from cloudk8s.apiserver.authentication.token_file import TokenFile
from cloudk8s.apiserver.authentication.user import ANONYMOUS_USER, UserInfo
from cloudk8s.apiserver.authentication.x509 import CertificateAuthenticator
from cloudk8s.apiserver.pki import ensure
from cloudk8s.errors import SettingsError, Unauthorized
from cloudk8s.machinery.clock import FakeClock
from tests.apiserver.authentication.requests import Line, request

ANN = UserInfo("ann", "7", ("dev", "ops", "system:authenticated"))


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    path = tmp_path / "tokens.csv"
    path.write_text('secret,ann,7,"dev, ops"\nother,bob,8\n\n')
    return TokenFile(path, api_audiences=("api",))


@pytest.fixture
def chain(tokens: TokenFile) -> AuthenticatorChain:
    bearer = BearerAuthenticator([tokens], api_audiences=("api",), clock=FakeClock())
    return AuthenticatorChain([CertificateAuthenticator(CertificateUses(FakeClock())), bearer])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    pem = ensure(tmp_path_factory.mktemp("pki")).admin.certificate.read_bytes()
    return load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def test_a_bearer_token_names_its_user(chain: AuthenticatorChain) -> None:
    line = Line()
    for scheme in ("Bearer", "bearer", "Bearer"):
        assert chain.authenticate(request(line, authorization=f"{scheme} secret")) == ANN
    assert chain.authenticate(request(line, authorization="Bearer other")).name == "bob"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi"])
def test_without_a_credential_that_is_known_the_user_is_anonymous(chain: AuthenticatorChain, header: str) -> None:
    assert chain.authenticate(request(authorization=header)) is ANONYMOUS_USER
    assert ANONYMOUS_USER.groups == ("system:unauthenticated",)


def test_a_bad_token_is_refused_and_says_nothing(chain: AuthenticatorChain) -> None:
    with pytest.raises(Unauthorized) as caught:
        chain.authenticate(request(authorization="Bearer nope"))
    assert caught.value.status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }


def test_anonymous_can_be_switched_off() -> None:
    with pytest.raises(Unauthorized):
        AuthenticatorChain([], allow_anonymous=False).authenticate(request())


def test_a_certificate_that_expires_while_its_connection_is_open_is_refused_from_then_on(
    chain: AuthenticatorChain, certificate: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, end = Line(certificate), load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()
    monkeypatch.setattr(x509, "time", lambda: end - 1)
    assert chain.authenticate(request(line)).name == "kubernetes-admin"
    monkeypatch.setattr(x509, "time", lambda: end + 1)
    with pytest.raises(Unauthorized):
        chain.authenticate(request(line))
    assert chain.authenticate(request(line, authorization="Bearer secret")) == ANN


def test_a_certificate_names_user_and_groups_and_counts_before_a_token(
    chain: AuthenticatorChain, certificate: bytes
) -> None:
    line = Line(certificate)
    user = chain.authenticate(request(line, authorization="Bearer nope"))
    assert (user.name, user.groups) == ("kubernetes-admin", ("system:masters", "system:authenticated"))
    assert user.extra["authentication.kubernetes.io/credential-id"][0].startswith("X509SHA256=")
    assert chain.authenticate(request(line)) is user


def test_a_websocket_may_carry_the_token_in_a_subprotocol(chain: AuthenticatorChain) -> None:
    protocols = "v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.c2VjcmV0"
    assert chain.authenticate(request(upgrade="websocket", sec_websocket_protocol=protocols)) == ANN
    assert chain.authenticate(request(sec_websocket_protocol=protocols)) is ANONYMOUS_USER
    with pytest.raises(Unauthorized):
        chain.authenticate(request(upgrade="websocket", sec_websocket_protocol=protocols[:-1]))


def test_static_tokens_are_for_the_audiences_of_this_server_only(tokens: TokenFile) -> None:
    verified = tokens.verify("secret", ("api", "else"))
    assert verified is not None
    assert verified.audiences == ("api",)
    assert tokens.verify("secret", ("else",)) is None


def test_a_token_file_with_too_few_columns_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "tokens.csv"
    path.write_text("secret,ann\n")
    with pytest.raises(SettingsError, match="line 1 needs"):
        TokenFile(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        TokenFile(tmp_path / "absent")


def test_user_info_is_written_without_empty_fields() -> None:
    assert UserInfo("a").as_dict() == {"username": "a"}
    full = UserInfo("a", "u", ("g",), {"k": ("v",)}).as_dict()
    assert full == {"username": "a", "uid": "u", "groups": ["g"], "extra": {"k": ["v"]}}
