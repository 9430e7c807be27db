"""The engine makes what is wanted, whatever goes wrong on the way."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from cloudk8s.cloud.stack.engine import Engine
from cloudk8s.cloud.stack.interface import Create, Observed
from cloudk8s.cloud.stack.journal import Intent, MemoryJournal
from cloudk8s.cloud.stack.resource import Owner, Ref, Resource, Stack
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.timing import VirtualTimer
from cloudk8s.cloud.stack.token import intent_token
from cloudk8s.errors import CloudError, CloudForbidden, RetryLater
from cloudk8s.testing.shelf import Shelf, ShelfType

OWNER = Owner("prod", "uid-1", "service default/web")


class Crash(BaseException):
    """The process is gone."""


def engine(shelf: Shelf, *, attempts: int = 1, concurrency: int = 1, group: ShelfType | None = None) -> Engine:
    timer = VirtualTimer()
    types = [
        group or shelf.type("group"),
        shelf.type("balancer", immutable=frozenset({"scheme"})),
        replace(shelf.type("listener", immutable=frozenset({"balancer"})), within="balancer"),
    ]
    retries = Retries(attempts, timer=timer, random=random.Random(1))
    return Engine(types, MemoryJournal(timer=timer), retries=retries, concurrency=concurrency)


def web(port: int = 80, scheme: str = "public") -> Stack:
    return Stack(
        OWNER,
        (
            Resource("group", f"group/{port}", {"port": port}),
            Resource("balancer", "lb", {"scheme": scheme}),
            Resource("listener", f"listener/{port}", {"balancer": Ref("lb"), "group": Ref(f"group/{port}")}),
        ),
    )


@pytest.mark.parametrize("concurrency", [1, 8])
def test_apply_makes_everything_and_then_nothing(concurrency: int) -> None:
    shelf = Shelf()
    cloud = engine(shelf, concurrency=concurrency)
    assert cloud.apply(web()).is_complete
    assert shelf.present() == {"group/80", "lb", "listener/80"}
    made = len(shelf.mutations())
    assert cloud.apply(web()).done == ()
    assert len(shelf.mutations()) == made == 3


def test_references_become_ids() -> None:
    shelf = Shelf()
    engine(shelf).apply(web())
    items = {item.key: item for item in shelf.items.values()}
    assert items["listener/80"].properties == {"balancer": items["lb"].id, "group": items["group/80"].id}


def test_a_change_of_key_makes_the_new_one_before_the_old_one_goes() -> None:
    shelf = Shelf()
    cloud = engine(shelf)
    cloud.apply(web(80))
    shelf.calls.clear()
    assert cloud.apply(web(443)).is_complete
    assert shelf.mutations() == ["create group/443", "delete listener/80", "create listener/443", "delete group/80"]


def test_a_replacement_takes_what_is_inside_along() -> None:
    shelf = Shelf()
    cloud = engine(shelf)
    cloud.apply(web())
    shelf.calls.clear()
    assert cloud.apply(web(scheme="private")).is_complete
    assert shelf.mutations() == ["delete lb", "create lb", "create listener/80"]


def test_delete_removes_everything_of_this_owner_only() -> None:
    shelf = Shelf()
    cloud = engine(shelf)
    other = Stack(Owner("prod", "uid-2"), (Resource("group", "group/1", {}),))
    cloud.apply(web())
    cloud.apply(other)
    assert cloud.delete(OWNER).is_complete
    assert shelf.present() == {"group/1"}


def test_a_failure_stops_only_what_depends_on_it() -> None:
    shelf = Shelf()

    def refuse(call: str) -> None:
        if call == "create lb":
            raise CloudForbidden("no right to create lb")

    shelf.before = refuse
    outcome = engine(shelf).apply(web())
    assert shelf.present() == {"group/80"}
    assert list(outcome.failures) == ["lb"]
    assert outcome.skipped == ("listener/80",)
    with pytest.raises(CloudForbidden, match="lb: no right to create lb"):
        outcome.raise_for_failure()


def test_transient_errors_are_retried_with_growing_delay() -> None:
    shelf = Shelf()
    failing = iter([True, True, False])

    def throttle(call: str) -> None:
        if call == "create lb" and next(failing):
            raise ConnectionError("slow down")

    shelf.before = throttle
    cloud = engine(shelf, attempts=3)
    assert cloud.apply(web()).is_complete
    timer = cloud.retries.timer
    assert isinstance(timer, VirtualTimer)
    assert 0.5 <= timer.pauses[0] <= 0.75
    assert 1.0 <= timer.pauses[1] <= 1.5


def test_pending_resources_are_waited_for() -> None:
    shelf = Shelf()
    pending = replace(shelf.type("group"), state="pending")
    outcome = engine(shelf, group=pending).apply(web())
    assert list(outcome.waiting) == ["group/80"]
    assert "listener/80" in shelf.present(), "a reference needs only the id"
    with pytest.raises(RetryLater):
        outcome.raise_for_failure()


def test_a_type_may_block_its_users_until_it_is_ready() -> None:
    shelf = Shelf()
    pending = replace(shelf.type("group", blocks_until_ready=True), state="pending")
    outcome = engine(shelf, group=pending).apply(web())
    assert outcome.skipped == ("listener/80",)


def test_converge_waits_until_all_is_ready() -> None:
    shelf = Shelf()
    cloud = engine(shelf, group=replace(shelf.type("group"), state="pending"))
    passes = 0

    def after_a_pass(plan: object, outcome: object) -> None:
        nonlocal passes
        passes += 1
        for id, item in shelf.items.items():
            shelf.items[id] = replace(item, state="ready")

    assert cloud.converge(web(), timeout=60, report=after_a_pass).is_complete
    assert passes == 2


def test_converge_gives_up_at_its_deadline_with_the_reason() -> None:
    shelf = Shelf()

    def fail(call: str) -> None:
        if call.startswith("create lb"):
            raise CloudError("no capacity")

    shelf.before = fail
    with pytest.raises(CloudError, match="lb: no capacity"):
        engine(shelf).converge(web(), timeout=30)


def test_a_lost_answer_makes_no_second_one() -> None:
    shelf = Shelf()
    lost = iter([True])

    def lose(call: str) -> None:
        if call == "create lb" and next(lost, False):
            raise ConnectionError("connection reset")

    shelf.after = lose
    assert engine(shelf, attempts=2).apply(web()).is_complete
    assert sorted(item.key for item in shelf.items.values()) == ["group/80", "lb", "listener/80"]


def test_a_listing_that_lags_behind_makes_no_second_one() -> None:
    shelf = Shelf()
    cloud = engine(shelf)
    cloud.apply(web())
    hidden = dict(shelf.items)
    shelf.items.clear()
    assert cloud.apply(web()).done == ()
    shelf.items.update(hidden)


def crash_after(shelf: Shelf, count: int) -> Callable[[str], None]:
    def crash(call: str) -> None:
        if len(shelf.mutations()) == count and not call.startswith("list"):
            raise Crash

    return crash


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", range(1, 12))
def test_a_crash_at_any_call_leaves_nothing_behind_and_nothing_twice(call: int, when: str) -> None:
    shelf = Shelf()
    setattr(shelf, when, crash_after(shelf, call))
    life: list[Callable[[Engine], object]] = [
        lambda cloud: cloud.apply(web(80)),
        lambda cloud: cloud.apply(web(443)),
        lambda cloud: cloud.apply(web(443, "private")),
        lambda cloud: cloud.delete(OWNER),
    ]
    for act in life:
        try:
            act(engine(shelf))
        except Crash:
            shelf.before = shelf.after = lambda call: None
            act(engine(shelf))
        keys = [item.key for item in shelf.items.values()]
        assert len(keys) == len(set(keys))
    assert shelf.items == {}


@dataclass(frozen=True, slots=True)
class ManyType(ShelfType):
    """Makes many at once."""

    batches: list[int] = field(default_factory=list)

    def create_many(self, calls: list[Create]) -> dict[str, Observed | CloudError]:
        self.batches.append(len(calls))
        return {call.key: self.create(call) for call in calls}


def test_a_type_that_makes_many_is_called_once() -> None:
    shelf = Shelf()
    kind = ManyType(shelf, "group")
    stack = Stack(OWNER, tuple(Resource("group", f"g{number}", {"n": number}) for number in range(50)))
    cloud = Engine([kind], concurrency=4)
    assert cloud.apply(stack).is_complete
    assert kind.batches == [50]
    assert len(shelf.items) == 50


@dataclass
class Diary(MemoryJournal):
    """Writes into the shelf's own list of calls what it is told."""

    shelf: Shelf = field(default_factory=Shelf)

    def intend(self, intent: Intent) -> None:
        self.shelf.calls.append(f"intend {intent.action} {intent.key} {bool(intent.token)}")

    def made(self, intent: Intent, observed: Observed) -> None:
        self.shelf.calls.append(f"made {intent.key} {observed.id}")
        super().made(intent, observed)


def test_intents_are_written_before_each_call_and_ids_right_after() -> None:
    shelf = Shelf()
    cloud = replace(engine(shelf), journal=Diary(timer=VirtualTimer(), shelf=shelf))
    cloud.apply(web())
    assert [call for call in shelf.calls if not call.startswith("list")] == [
        "intend create group/80 True", "create group/80", "made group/80 group-1",
        "intend create lb True", "create lb", "made lb balancer-2",
        "intend create listener/80 True", "create listener/80", "made listener/80 listener-3",
    ]  # fmt: skip


def test_calls_carry_tokens_of_their_intent() -> None:
    shelf = Shelf()
    engine(shelf).apply(web())
    assert intent_token(OWNER, "lb", {"scheme": "public"}) in shelf.tokens
