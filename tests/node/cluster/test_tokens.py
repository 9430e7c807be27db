"""Tokens of pods are asked for once, and again before they run out."""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time
from cloudk8s.node.cluster.tokens import TokenManager
from cloudk8s.testing.fake_client import FakeClient

POD: Object = {"metadata": {"name": "p", "namespace": "ns", "uid": "u"}, "spec": {"serviceAccountName": "robot"}}


class Issuer(FakeClient):
    """Gives out numbered tokens for an hour, or for as long as was asked."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.asked: list[Object] = []

    async def create(self, resource: object, obj: Object, **named: object) -> Object:
        assert (resource, named["name"], named["subresource"]) == (SERVICE_ACCOUNTS, "robot", "token")
        self.asked.append(obj["spec"])
        ends = self.clock.now() + timedelta(seconds=obj["spec"]["expirationSeconds"])
        return {"status": {"token": f"t{len(self.asked)}", "expirationTimestamp": format_time(ends)}}


async def test_a_token_is_renewed_when_a_fifth_of_its_life_is_left() -> None:
    clock = FakeClock()
    client = Issuer(clock)
    tokens = TokenManager(client, clock=clock)

    async def token(seconds: int = 3600, audience: str = "") -> str:
        return await tokens.token(POD, audience=audience, expiration_seconds=seconds)

    assert [await token(), await token()] == ["t1", "t1"]
    await clock.advance(2879)
    assert await token() == "t1"
    await clock.advance(2)
    assert await token() == "t2"
    assert await token(audience="vault") == "t3"
    assert client.asked[2]["audiences"] == ["vault"]
    assert client.asked[2]["boundObjectRef"] == {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "u"}


async def test_a_token_that_holds_for_long_is_renewed_every_day() -> None:
    clock = FakeClock()
    tokens = TokenManager(Issuer(clock), clock=clock)
    week = 7 * 86400
    assert await tokens.token(POD, audience="", expiration_seconds=week) == "t1"
    await clock.advance(86401)
    assert await tokens.token(POD, audience="", expiration_seconds=week) == "t2"
    tokens.forget("u")
    assert await tokens.token(POD, audience="", expiration_seconds=week) == "t3"
