"""Tokens of pods are asked for once, and again before they run out."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.machinery.times import format_time
from cloudk8s.node.cluster.tokens import TokenManager
from cloudk8s.testing.fake_client import FakeClient

from ..conftest import Node, clear, container

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


class ShortLived(FakeClient):
    """Gives out numbered tokens for a second."""

    given = 0

    async def create(self, resource: Any, obj: Object, **named: Any) -> Object:
        if named.get("subresource") != "token":
            return await super().create(resource, obj, **named)
        self.given += 1
        ends = self.clock.now() + timedelta(seconds=1)
        return {"status": {"token": f"t{self.given}", "expirationTimestamp": format_time(ends)}}


async def test_a_running_pod_sees_its_token_renewed(tmp_path: Path) -> None:
    node = Node(tmp_path / "node", ShortLived(clock=SystemClock()), sync_seconds=0.3)
    await node.start()
    try:
        source = {"projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}]}}
        pod = await node.run_pod(
            serviceAccountName="robot", volumes=[{"name": "v", **source}],
            containers=[container("exec sleep 300", volumeMounts=[{"name": "v", "mountPath": "/v"}])],
        )  # fmt: skip
        await node.until_phase("p", "Running")
        file = node.settings.pods_dir / pod["metadata"]["uid"] / "volumes" / "kubernetes.io~projected" / "v" / "token"
        first = file.read_text()
        async with asyncio.timeout(10):
            while file.read_text() == first:
                await asyncio.sleep(0.05)
        assert int(file.read_text()[1:]) > int(first[1:])
    finally:
        await node.stop()
        await clear(tmp_path / "node")
