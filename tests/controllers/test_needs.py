from __future__ import annotations

import logging

import pytest

from cloudk8s.client.resources import BUILT_IN, CRON_JOBS, DEPLOYMENTS, RESOURCE_SLICES
from cloudk8s.controllers.interface import Controller, ControllerContext
from cloudk8s.controllers.needs import NEEDS, with_work
from cloudk8s.controllers.registry import Registration, built_in_controllers
from cloudk8s.errors import ServiceUnavailable
from cloudk8s.testing.fake_client import FakeClient


def factory(context: ControllerContext) -> Controller:
    raise NotImplementedError


REGISTRATIONS = [Registration(f"{name}-controller", factory) for name in ("cronjob", "deployment", "namespace")]


async def names(client: FakeClient) -> list[str]:
    return [each.name for each in await with_work(client, REGISTRATIONS)]


async def test_controllers_of_what_an_older_server_does_not_have_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = CRON_JOBS._replace(version="v1beta1")
    client = FakeClient(resources=[each for each in BUILT_IN if each not in (CRON_JOBS, RESOURCE_SLICES)] + [old])
    assert await names(client) == ["deployment-controller", "namespace-controller"]
    (said,) = caplog.messages
    assert said == "cronjob-controller does not run: the server has no cronjobs of batch/v1"


async def test_all_run_where_the_server_cannot_be_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*arguments: object, **options: object) -> None:
        raise ServiceUnavailable("down")

    client = FakeClient()
    monkeypatch.setattr(client, "request", refuse)
    caplog.set_level(logging.CRITICAL)
    assert len(await names(client)) == 3


async def test_a_group_that_does_not_answer_counts_as_there(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeClient(resources=[DEPLOYMENTS, CRON_JOBS])
    asked = client.request

    async def stale(method: str, path: str, **options: object) -> object:
        answer = await asked(method, path)
        for group in answer["items"]:
            if group["metadata"].get("name") == CRON_JOBS.group:
                group["versions"] = [{"version": "v1", "freshness": "Stale"}]
        return answer

    monkeypatch.setattr(client, "request", stale)
    assert "cronjob-controller" in await names(client)


def test_every_need_is_of_a_controller_that_there_is() -> None:
    assert set(NEEDS) <= {each.name for each in built_in_controllers()}
