"""Whose client certificates are believed."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime

import pytest

from cloudk8s.apiserver.pki.certificate import issue
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.client.resources import CONFIG_MAPS
from cloudk8s.controlplane.diagnostics.authority import KEY, NAME, NAMESPACE, PublishedAuthority
from cloudk8s.errors import Forbidden, ServiceUnavailable
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.testing.fake_client import Action, FakeClient


def authority(name: str) -> str:
    return issue(Profile("ca", name, authority=""), None, datetime.now(UTC)).certificate.decode()


def published(content: str) -> dict[str, object]:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {KEY: content}}


def known(context: ssl.SSLContext) -> list[str]:
    return sorted(dict(pair[0] for pair in found["subject"])["commonName"] for found in context.get_ca_certs())  # type: ignore[misc]


async def test_an_authority_that_changes_is_believed_beside_the_old_one() -> None:
    clock, context = FakeClock(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = FakeClient(clock=clock)
    following = asyncio.create_task(PublishedAuthority(context).follow(client, clock=clock))
    await clock.advance(1)
    assert context.verify_mode == ssl.CERT_NONE, "nothing is asked of clients while nobody is known"
    client.add(published(authority("one")))
    await clock.advance(1)
    assert (known(context), context.verify_mode) == (["one"], ssl.CERT_OPTIONAL)
    await client.patch(CONFIG_MAPS, NAME, {"data": {KEY: "no certificate"}}, namespace=NAMESPACE)
    await client.patch(CONFIG_MAPS, NAME, {"data": {KEY: authority("two")}}, namespace=NAMESPACE)
    await clock.advance(1)
    assert known(context) == ["one", "two"]
    following.cancel()


async def test_who_may_not_read_it_hears_so_once(caplog: pytest.LogCaptureFixture) -> None:
    clock, client = FakeClock(), FakeClient(clock=FakeClock())

    def refuse(action: Action) -> None:
        raise Forbidden("not you")

    client.on(refuse)
    await PublishedAuthority(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)).follow(client, clock=clock)
    assert [record.message for record in caplog.records] == [
        "client certificates are not believed: not you; bind role kube-system/extension-apiserver-authentication-reader"
    ]


async def test_an_api_server_that_is_down_is_waited_for() -> None:
    clock, context, left = FakeClock(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), [1, 2, 3]
    client = FakeClient(clock=clock)
    client.add(published(authority("one")))

    def fail(action: Action) -> None:
        if left:
            left.pop()
            raise ServiceUnavailable("down")

    client.on(fail)
    following = asyncio.create_task(PublishedAuthority(context).follow(client, clock=clock))
    await clock.advance(30)
    assert known(context) == ["one"]
    following.cancel()
