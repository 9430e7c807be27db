from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.fair_queue import FairQueue, FlowLimits
from cloudk8s.errors import TooManyRequests

ANN, BOB, MASTER = UserInfo("ann"), UserInfo("bob"), UserInfo("root", groups=("system:masters",))


class Requests:
    """Requests that hold their seat until they are let go."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self.served: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._gates: dict[str, asyncio.Event] = {}

    async def send(self, user: UserInfo, name: str) -> asyncio.Task[None]:
        self._gates[name] = asyncio.Event()
        task = asyncio.create_task(self._serve(user, name))
        self.tasks.append(task)
        await self.settle()
        return task

    async def end(self, name: str) -> None:
        self._gates[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _serve(self, user: UserInfo, name: str) -> None:
        async with self._queue.seat(user):
            self.served.append(name)
            await self._gates[name].wait()


async def test_seats_go_round_the_users() -> None:
    requests = Requests(FairQueue(FlowLimits(seats=1)))
    for user, name in ((ANN, "a1"), (ANN, "a2"), (ANN, "a3"), (BOB, "b1"), (BOB, "b2")):
        await requests.send(user, name)
    assert requests.served == ["a1"]
    for name in ("a1", "a2", "b1", "a3", "b2"):
        await requests.end(name)
    assert requests.served == ["a1", "a2", "b1", "a3", "b2"]


async def test_a_full_queue_is_429_for_its_user_only() -> None:
    queue = FairQueue(FlowLimits(seats=1, queue_length=1))
    requests = Requests(queue)
    for user, name in ((ANN, "a1"), (ANN, "a2"), (BOB, "b1")):
        await requests.send(user, name)
    refused = await requests.send(ANN, "a3")
    with pytest.raises(TooManyRequests) as caught:
        await refused
    assert caught.value.status["details"] == {"retryAfterSeconds": 1}
    assert (queue.in_flight, queue.waiting) == (1, 2)


async def test_waiting_has_an_end() -> None:
    queue = FairQueue(FlowLimits(seats=1, patience=timedelta(milliseconds=5)))
    requests = Requests(queue)
    await requests.send(ANN, "a1")
    with pytest.raises(TooManyRequests):
        await (await requests.send(ANN, "a2"))
    await requests.end("a1")
    assert (queue.in_flight, queue.waiting) == (0, 0)


async def test_who_gives_up_leaves_no_gap() -> None:
    queue = FairQueue(FlowLimits(seats=1))
    requests = Requests(queue)
    await requests.send(ANN, "a1")
    gone = await requests.send(ANN, "a2")
    await requests.send(BOB, "b1")
    gone.cancel()
    await requests.settle()
    await requests.end("a1")
    assert requests.served == ["a1", "b1"]
    await requests.end("b1")
    assert (queue.in_flight, queue.waiting) == (0, 0)


async def test_a_seat_that_comes_too_late_is_passed_on() -> None:
    queue = FairQueue(FlowLimits(seats=1))
    requests = Requests(queue)
    for user, name in ((ANN, "a1"), (ANN, "a2"), (BOB, "b1")):
        await requests.send(user, name)
    requests._gates["a1"].set()
    await asyncio.sleep(0)
    requests.tasks[1].cancel()
    await requests.settle()
    assert "b1" in requests.served
    await requests.end("b1")
    assert queue.in_flight == 0


async def test_administrators_do_not_wait() -> None:
    queue = FairQueue(FlowLimits(seats=1))
    requests = Requests(queue)
    await requests.send(ANN, "a1")
    await requests.send(MASTER, "m1")
    assert requests.served == ["a1", "m1"]


async def test_a_failing_request_gives_its_seat_back() -> None:
    queue = FairQueue()

    async def fail() -> None:
        async with queue.seat(ANN):
            raise ValueError

    with pytest.raises(ValueError):
        await fail()
    assert queue.in_flight == 0
