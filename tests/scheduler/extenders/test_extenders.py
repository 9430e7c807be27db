"""Extenders, asked over HTTP and HTTPS as a scheduler asks them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudk8s.apiserver.http import tls
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.apiserver.http.server import HTTPServer
from cloudk8s.apiserver.pki.certificate import Authority, Issued, issue
from cloudk8s.apiserver.pki.profile import Profile
from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informers
from cloudk8s.client.interface import Object
from cloudk8s.client.resources import PODS
from cloudk8s.errors import NotFound, SettingsError
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import FakeClock, SystemClock
from cloudk8s.scheduler.configuration.file import parse_configuration
from cloudk8s.scheduler.configuration.model import API_VERSION
from cloudk8s.scheduler.scheduler import Scheduler, SchedulerContext
from cloudk8s.testing.fake_client import FakeClient
from tests.scheduler.harness import Harness, node, pod

Answer = Callable[[Any], Any]


@dataclass
class Program:
    """An extender: what it answers by verb, and what it was asked."""

    answers: dict[str, Answer]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    content_type: str = "application/json"
    port: int = 0

    def __call__(self, request: Request) -> Response:
        verb, body = request.path.rpartition("/")[2], codec.decode(request.body)
        self.asked.append((verb, body))
        assert (request.method, request.path.rpartition("/")[0]) == ("POST", "/prefix")
        answer = self.answers[verb](body)
        if isinstance(answer, int):
            return Response(answer, b"no")
        return Response(200, codec.encode(answer), self.content_type)

    def of(self, verb: str) -> list[Any]:
        return [body for name, body in self.asked if name == verb]


@asynccontextmanager
async def program(tls_context: Any = None, **answers: Answer) -> AsyncIterator[Program]:
    made = Program(answers)
    async with HTTPServer(made, tls_context) as server:
        made.port = server.port
        yield made


def settings(asked: Program, scheme: str = "http", **fields: Any) -> dict[str, Any]:
    verbs = {f"{verb}Verb": verb for verb in asked.answers}
    more = {"weight": 1} if "prioritize" in asked.answers else {}
    return {"urlPrefix": f"{scheme}://127.0.0.1:{asked.port}/prefix", **verbs, **more, **fields}


@asynccontextmanager
async def scheduling(*objects: Object, extenders: list[dict[str, Any]]) -> AsyncIterator[Harness]:
    """A scheduler with these extenders, on the clock of the machine, for HTTP takes its time."""
    clock, client = SystemClock(), FakeClient(clock=FakeClock())
    for obj in objects:
        client.add(obj)
    configuration = parse_configuration({"apiVersion": API_VERSION, "extenders": extenders})
    events = EventRecorder(client, "default-scheduler", clock=clock, series=True)
    async with AsyncExitStack() as stack:
        informers = await stack.enter_async_context(Informers(client, clock=clock))
        scheduler = Scheduler(SchedulerContext(client, informers, events, clock, random.Random(0)), configuration)
        tasks = [asyncio.create_task(scheduler.run()), asyncio.create_task(events.run())]
        try:
            yield Harness(client, FakeClock(), scheduler)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(look: Callable[[], Any]) -> Any:
    async with asyncio.timeout(10):
        while not (found := look()):
            await asyncio.sleep(0.005)
    return found


def condition(harness: Harness, name: str) -> str:
    return str(harness.condition(name).get("message", ""))


def names_of(body: Any) -> set[str]:
    return {item["metadata"]["name"] for item in body["Nodes"]["items"]}


async def test_an_extender_filters_the_nodes_that_plugins_left() -> None:
    def only_c(body: Any) -> Any:
        nodes = [item for item in body["Nodes"]["items"] if item["metadata"]["name"] == "c"]
        failed = dict.fromkeys(names_of(body) - {"c"}, "too hot")
        return {"Nodes": {"items": nodes}, "FailedNodes": failed}

    nodes = [node("a"), node("b"), node("c"), node("full", cpu="0")]
    async with program(filter=only_c) as hot, scheduling(*nodes, extenders=[settings(hot)]) as harness:
        await harness.create(pod("p", cpu="1"))
        assert await until(lambda: harness.node_of("p")) == "c"
    (body,) = hot.of("filter")
    assert names_of(body) == {"a", "b", "c"}
    assert body["Pod"]["metadata"]["name"] == "p"
    assert body["NodeNames"] is None


async def test_one_that_knows_the_nodes_is_sent_names_and_any_case_is_read() -> None:
    def lower(body: Any) -> Any:
        assert body["Nodes"] is None
        return {"nodenames": [name for name in body["NodeNames"] if name != "a"], "failedNodes": {"a": "no"}}

    fields = {"nodeCacheCapable": True}
    async with program(filter=lower) as extender:
        extender.content_type = "text/plain"
        async with scheduling(node("a"), node("b"), extenders=[settings(extender, **fields)]) as harness:
            await harness.create(pod("p"))
            assert await until(lambda: harness.node_of("p")) == "b"


async def test_reasons_of_extenders_stand_beside_those_of_plugins() -> None:
    def nothing(body: Any) -> Any:
        return {"NodeNames": [], "FailedNodes": {"a": "too hot"}, "FailedAndUnresolvableNodes": {"b": "too far"}}

    nodes = [node("a"), node("b"), node("full", cpu="0")]
    fields = {"nodeCacheCapable": True}
    async with (
        program(filter=nothing) as extender,
        scheduling(*nodes, extenders=[settings(extender, **fields)]) as harness,
    ):
        await harness.create(pod("p", cpu="1"))
        message = await until(lambda: condition(harness, "p"))
    assert message.startswith("0/3 nodes are available: 1 Insufficient cpu, 1 too far, 1 too hot. preemption: 0/3")


async def test_scores_are_weighed_against_those_of_plugins() -> None:
    def prefer_b(body: Any) -> Any:
        return [{"Host": name, "Score": 10 if name == "b" else 0} for name in names_of(body)]

    nodes = [node("a", cpu="64"), node("b", cpu="4")]
    async with (
        program(prioritize=prefer_b) as extender,
        scheduling(*nodes, extenders=[settings(extender, weight=100)]) as harness,
    ):
        await harness.create(*(pod(f"p{index}", cpu="1") for index in range(3)))
        await until(lambda: all(harness.placement().values()))
        assert set(harness.placement().values()) == {"b"}


async def test_a_failing_score_is_not_waited_for() -> None:
    async with (
        program(prioritize=lambda body: 500) as extender,
        scheduling(node("a"), node("b"), extenders=[settings(extender)]) as harness,
    ):
        await harness.create(pod("p"))
        assert await until(lambda: harness.node_of("p"))


async def test_an_extender_that_fails_is_an_error_unless_it_may_be_ignored() -> None:
    async with program(filter=lambda body: {"Error": "out of order"}) as extender:
        async with scheduling(node("a"), extenders=[settings(extender)]) as harness:
            await harness.create(pod("p"))
            assert "out of order" in await until(lambda: condition(harness, "p"))
            assert harness.condition("p")["reason"] == "SchedulerError"
        async with scheduling(node("a"), extenders=[settings(extender, ignorable=True)]) as harness:
            await harness.create(pod("p"))
            assert await until(lambda: harness.node_of("p")) == "a"


async def test_one_that_does_not_answer_in_time_or_at_all_has_failed() -> None:
    gone = {"urlPrefix": "http://127.0.0.1:9/prefix", "filterVerb": "filter", "httpTimeout": "100ms"}
    async with scheduling(node("a"), extenders=[gone]) as harness:
        await harness.create(pod("p"))
        assert "127.0.0.1:9" in await until(lambda: condition(harness, "p"))


async def test_only_pods_that_use_its_resources_concern_an_extender() -> None:
    fields = {"managedResources": [{"name": "example.com/gpu", "ignoredByScheduler": True}], "nodeCacheCapable": True}
    async with (
        program(filter=lambda body: {"NodeNames": ["b"], "FailedNodes": {}}) as extender,
        scheduling(node("a"), node("b"), extenders=[settings(extender, **fields)]) as harness,
    ):
        await harness.create(pod("plain"), pod("special", requests={"example.com/gpu": "1"}))
        await until(lambda: all(harness.placement().values()))
        assert harness.node_of("special") == "b", "and nodes need not have what the scheduler is to ignore"
    assert [body["Pod"]["metadata"]["name"] for body in extender.of("filter")] == ["special"]


async def test_an_extender_binds_in_place_of_the_scheduler() -> None:
    async with (
        program(bind=lambda body: {"Error": ""}) as extender,
        scheduling(node("a"), extenders=[settings(extender)]) as harness,
    ):
        await harness.create(pod("p"))
        (body,) = await until(lambda: extender.of("bind"))
        uid = harness.pod("p")["metadata"]["uid"]
        assert body == {"PodName": "p", "PodNamespace": "default", "PodUID": uid, "Node": "a"}
        await until(lambda: any(reason == "Scheduled" for reason, _ in harness.events("p")))
        assert harness.node_of("p") == "", "it was left to the extender"


@pytest.mark.parametrize("by_name", [False, True])
async def test_extenders_choose_who_goes_when_room_is_made(by_name: bool) -> None:
    def spare_a(body: Any) -> Any:
        victims = body["NodeNameToMetaVictims" if by_name else "NodeNameToVictims"]
        assert body["NodeNameToVictims" if by_name else "NodeNameToMetaVictims"] is None
        pods = [{"UID": each["UID"] if by_name else each["metadata"]["uid"]} for each in victims["b"]["Pods"]]
        return {"NodeNameToMetaVictims": {"b": {"Pods": pods, "NumPDBViolations": 0}}}

    low = [pod("on-a", cpu="1", node="a", priority=0), pod("on-b", cpu="1", node="b", priority=10)]
    for each in low:
        each["spec"]["terminationGracePeriodSeconds"] = 0
    async with program(preempt=spare_a) as extender:
        extenders = [settings(extender, nodeCacheCapable=by_name)]
        async with scheduling(node("a", cpu="1"), node("b", cpu="1"), *low, extenders=extenders) as harness:
            await harness.create(pod("high", cpu="1", priority=100))
            assert await until(lambda: harness.node_of("high")) == "b", "the scheduler alone would have chosen a"
            assert harness.node_of("on-a") == "a"
            with pytest.raises(NotFound):
                await harness.client.get(PODS, "on-b", namespace="default")


async def test_extenders_may_refuse_that_anybody_goes() -> None:
    async with program(preempt=lambda body: {"NodeNameToMetaVictims": {}}) as extender:
        low = pod("low", cpu="1", node="a", priority=0)
        async with scheduling(node("a", cpu="1"), low, extenders=[settings(extender)]) as harness:
            await harness.create(pod("high", cpu="1", priority=100))
            message = await until(lambda: condition(harness, "high"))
            assert message.endswith("preemption: no candidate node for preemption.")
            assert harness.node_of("low") == "a"


async def test_https_with_certificates_on_both_sides(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority = issue(Profile("ca", "ca", authority=""), None, now)
    signer = Authority(authority)
    serving = issue(Profile("s", "extender", hosts=("extender.example",)), signer, now)
    client = issue(Profile("c", "scheduler"), signer, now)
    files = {name: _write(tmp_path / name, made) for name, made in (("s", serving), ("c", client), ("ca", authority))}
    context = tls.server_context(*files["s"], client_ca=files["ca"][0])
    context.verify_mode = context.verify_mode.CERT_REQUIRED
    config = {
        "serverName": "extender.example", "caFile": str(files["ca"][0]),
        "certFile": str(files["c"][0]), "keyFile": str(files["c"][1]),
    }  # fmt: skip
    answer = {"NodeNames": ["a"], "FailedNodes": {}}
    async with program(context, filter=lambda body: answer) as extender:
        fields = {"enableHTTPS": True, "tlsConfig": config, "nodeCacheCapable": True}
        async with scheduling(node("a"), extenders=[settings(extender, "https", **fields)]) as harness:
            await harness.create(pod("p"))
            assert await until(lambda: harness.node_of("p")) == "a"
        fields = {"enableHTTPS": True, "tlsConfig": {**config, "serverName": "other"}, "nodeCacheCapable": True}
        async with scheduling(node("a"), extenders=[settings(extender, "https", **fields)]) as harness:
            await harness.create(pod("p"))
            assert "extender" in await until(lambda: condition(harness, "p"))
            assert harness.node_of("p") == ""


def _write(path: Path, made: Issued) -> tuple[Path, Path]:
    certificate, key = path.with_suffix(".crt"), path.with_suffix(".key")
    certificate.write_bytes(made.certificate)
    key.write_bytes(made.key)
    return certificate, key


@pytest.mark.parametrize(
    ("extenders", "message"),
    [
        ([{"urlPrefix": "extender:80"}], "a URL with http:// or https:// is expected"),
        ([{"urlPrefix": "http://e", "prioritizeVerb": "p"}], "must be positive"),
        ([{"urlPrefix": "http://e", "bindVerb": "b"}] * 2, "only one extender can bind pods"),
        ([{"urlPrefix": "http://e", "filterVerbs": "b"}], "extenders.0.filterVerbs"),
        ([{"urlPrefix": "http://e", "managedResources": [{"name": "a/b"}, {"name": "a/b"}]}], "managed twice"),
    ],
)
def test_what_cannot_work_is_refused(extenders: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_configuration({"apiVersion": API_VERSION, "extenders": extenders})
