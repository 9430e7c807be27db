from __future__ import annotations

from datetime import timedelta
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.resources import SERVICE_ACCOUNTS
from cloudk8s.client.service_account import ServiceAccountCredentials
from cloudk8s.machinery.clock import FakeClock
from cloudk8s.machinery.times import format_time
from cloudk8s.testing.fake_client import FakeClient


class Root(FakeClient):
    """Numbers the tokens it gives, which live as long as is asked."""

    tokens = 0

    async def create(self, *given: Any, **more: Any) -> Object:
        answer = await super().create(*given, **more)
        if more.get("subresource") != "token":
            return answer
        self.tokens += 1
        ends = self.clock.now() + timedelta(seconds=answer["spec"]["expirationSeconds"])
        return {**answer, "status": {"token": f"t{self.tokens}", "expirationTimestamp": format_time(ends)}}


async def test_the_account_is_made_and_its_token_renewed_before_it_ends() -> None:
    clock = FakeClock()
    root = Root(clock=clock)
    credentials = ServiceAccountCredentials(root, "job-controller", "kube-system", clock=clock)
    assert (await credentials.current()).authorization == "Bearer t1"
    assert root.peek(SERVICE_ACCOUNTS, "job-controller", "kube-system") is not None
    await clock.advance(45 * 60)
    assert (await credentials.current()).authorization == "Bearer t1"
    await clock.advance(4 * 60)
    assert (await credentials.current()).authorization == "Bearer t2"


async def test_a_refused_token_is_replaced() -> None:
    clock = FakeClock()
    credentials = ServiceAccountCredentials(Root(clock=clock), "a", "kube-system", clock=clock)
    await credentials.current()
    credentials.reject()
    assert (await credentials.current()).authorization == "Bearer t2"
