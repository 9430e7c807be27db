"""Requests are treated as the stored objects say."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.bootstrap import flow_control as suggested
from cloudk8s.apiserver.flow_control.control import Flow, FlowControl
from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.errors import TooManyRequests

MASTER = UserInfo("root", groups=("system:masters", "system:authenticated"))
PODS = parse_path("/api/v1/namespaces/a/pods")


def ann(name: str = "ann") -> UserInfo:
    return UserInfo(name, groups=("system:authenticated",))


def level(name: str = "few", *, response: dict[str, Any] | None = None, **limited: Any) -> dict[str, Any]:
    limited = {"nominalConcurrencyShares": 1, "limitResponse": response or {"type": "Reject"}, **limited}
    return thing("PriorityLevelConfiguration", name, {"type": "Limited", "limited": limited})


def queue(queues: int = 1, hand: int = 1, length: int = 2) -> dict[str, Any]:
    return {"type": "Queue", "queuing": {"queues": queues, "handSize": hand, "queueLengthLimit": length}}


def schema(name: str = "people", *, level: str = "few", precedence: int = 50, method: str = "") -> dict[str, Any]:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    subjects = [{"kind": "Group", "group": {"name": "system:authenticated"}}]
    spec: dict[str, Any] = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence}
    spec["rules"] = [{"subjects": subjects, "resourceRules": [everything]}]
    if method:
        spec["distinguisherMethod"] = {"type": method}
    return thing("FlowSchema", name, spec)


def thing(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


class Requests:
    """Requests that hold their seat until they are let go."""

    def __init__(self, control: FlowControl) -> None:
        self._control = control
        self.served: list[str] = []
        self.refused: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def send(self, *names: str, user: UserInfo | None = None) -> None:
        for name in names:
            self._gates[name] = asyncio.Event()
            flow = self._control.classify(user or ann(name[0]), "create", PODS)
            self.tasks[name] = asyncio.create_task(self._serve(flow, name))
            await self._settle()

    async def end(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()
            await self._settle()

    async def _serve(self, flow: Flow, name: str) -> None:
        try:
            if not flow.level.take():
                await flow.wait()
        except TooManyRequests:
            self.refused.append(name)
            return
        self.served.append(name)
        await self._gates[name].wait()
        flow.level.release()

    async def _settle(self) -> None:
        for _ in range(8):
            await asyncio.sleep(0)


def control(*objects: dict[str, Any], total: int = 1, **options: Any) -> FlowControl:
    made = FlowControl(total=total, **options)
    made.put(objects)
    return made


def test_the_suggested_objects_treat_everyone_as_upstream_does() -> None:
    everything = FlowControl()
    everything.put([*suggested.priority_levels(), *suggested.flow_schemas()])

    def treated(user: UserInfo, verb: str, path: str) -> tuple[str, str]:
        tally = everything.classify(user, verb, parse_path(path)).tally
        return tally.schema, tally.level

    node = UserInfo("system:node:n", groups=("system:nodes", "system:authenticated"))
    manager = UserInfo("system:kube-controller-manager", groups=("system:authenticated",))
    groups = ("system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated")
    account = UserInfo("system:serviceaccount:a:b", groups=groups)
    assert treated(MASTER, "list", "/api/v1/pods") == ("exempt", "exempt")
    assert treated(ann(), "get", "/healthz") == ("probes", "exempt")
    assert treated(node, "update", "/api/v1/nodes/n/status") == ("system-node-high", "node-high")
    assert treated(node, "get", "/api/v1/namespaces/a/pods/x") == ("system-nodes", "system")
    lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x"
    assert treated(manager, "update", lease) == ("system-leader-election", "leader-election")
    assert treated(manager, "list", "/api/v1/pods") == ("kube-controller-manager", "workload-high")
    assert treated(account, "list", "/api/v1/pods") == ("service-accounts", "workload-low")
    assert treated(ann(), "list", "/api/v1/pods") == ("global-default", "global-default")
    assert treated(UserInfo("nobody"), "list", "/api/v1/pods") == ("catch-all", "catch-all")


def test_without_objects_the_mandatory_ones_rule() -> None:
    bare = FlowControl()
    assert bare.classify(MASTER, "get", PODS).level.is_exempt
    assert bare.classify(ann(), "get", PODS).level.name == "catch-all"


def test_the_first_schema_by_precedence_and_name_counts_and_dangling_ones_do_not() -> None:
    made = control(
        level(), schema("b"), schema("a"), schema("late", precedence=60), schema("lost", level="gone", precedence=40)
    )
    flow = made.classify(ann(), "get", PODS)
    assert flow.tally.schema == "a"
    assert flow.headers == [
        ("X-Kubernetes-PF-FlowSchema-UID", "uid-a"),
        ("X-Kubernetes-PF-PriorityLevel-UID", "uid-few"),
    ]
    made.put([level("gone")])
    assert made.classify(ann(), "get", PODS).tally.schema == "lost"


def test_seats_follow_shares_and_what_levels_lend() -> None:
    made = control(level(nominalConcurrencyShares=5, lendablePercent=40, borrowingLimitPercent=50), total=100)
    limits = made.levels["few"].limits
    assert (limits.nominal, limits.lower, limits.upper) == (50, 30, 75)
    assert made.levels["exempt"].limits.nominal == 0
    assert made.levels["catch-all"].limits.nominal == 50


async def test_a_level_borrows_what_others_lend_and_gives_it_back() -> None:
    made = control(level("few"), level("lender", lendablePercent=100), schema(), total=14)
    requests = Requests(made)
    await requests.send("a1", "a2", "a3", "a4", "a5")
    assert requests.served == ["a1", "a2", "a3", "a4"]
    assert requests.refused == ["a5"]
    await requests.end("a4")
    await requests.send("a6")
    assert requests.served[-1] == "a6"


async def test_a_level_that_rejects_does_not_queue() -> None:
    requests = Requests(control(level(nominalConcurrencyShares=500), schema()))
    await requests.send("a1", "b1")
    assert (requests.served, requests.refused) == (["a1"], ["b1"])


async def test_flows_take_turns_and_full_queues_are_refused() -> None:
    made = control(level(response=queue(64, 1)), schema(method="ByUser"))
    requests = Requests(made)
    await requests.send("a1", "a2", "a3", "a4", "b1", "b2")
    assert requests.refused == ["a4"]
    assert made.levels["few"].waiting == 4
    for name in ("a1", "a2", "b1", "a3", "b2"):
        await requests.end(name)
    assert requests.served == ["a1", "a2", "b1", "a3", "b2"]
    assert made.tallies["few", "people"].rejected == {"queue-full": 1}
    assert (made.levels["few"].taken, made.levels["few"].waiting) == (0, 0)


async def test_requests_wait_for_a_while_only() -> None:
    made = control(level(response=queue()), schema(), patience=timedelta(milliseconds=5))
    requests = Requests(made)
    await requests.send("a1", "a2")
    await requests.tasks["a2"]
    assert requests.refused == ["a2"]
    assert made.levels["few"].waiting == 0
    assert made.tallies["few", "people"].rejected == {"time-out": 1}


async def test_who_goes_away_gives_up_the_place() -> None:
    made = control(level(response=queue()), schema())
    requests = Requests(made)
    await requests.send("a1", "a2", "a3")
    requests.tasks["a2"].cancel()
    await requests.end("a1", "a3")
    with pytest.raises(asyncio.CancelledError):
        await requests.tasks["a2"]
    assert requests.served == ["a1", "a3"]
    assert made.levels["few"].taken == 0


async def test_the_exempt_always_have_a_seat() -> None:
    made = control(total=1)
    requests = Requests(made)
    await requests.send("a1", "a2", "a3", user=MASTER)
    assert requests.served == ["a1", "a2", "a3"]


async def test_a_level_without_seats_is_closed_until_it_gets_some() -> None:
    made = control(level(nominalConcurrencyShares=0, response=queue()), schema())
    assert made.classify(ann(), "get", PODS).level.is_closed
    requests = Requests(made)
    await requests.send("a1")
    assert requests.served == []
    made.put([level(nominalConcurrencyShares=9, response=queue())])
    await requests.end("a1")
    assert requests.served == ["a1"]
