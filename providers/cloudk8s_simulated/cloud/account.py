"""One simulated account: things, rules, time and faults behind a small blocking API.

Every method is one API call: it is counted, takes its latency, may be throttled, fail, or lose its answer.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cloudk8s.errors import CloudError, CloudNotFound, QuotaExceeded
from cloudk8s.machinery.codec import decode, encode
from cloudk8s.testing.faults import Faults
from cloudk8s_simulated.cloud.kinds import KINDS, Kind

TERMINATED = "terminated"


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing in the account."""

    id: str
    kind: str
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    created: float = 0.0
    token: str = ""


class InUse(CloudError):
    """A dependency violation: the message names what still refers to it."""


class Taken(CloudError):
    """A unique property has this value already; `id` is who has it."""

    def __init__(self, message: str, id: str) -> None:
        super().__init__(message)
        self.id = id


class Account:
    """Thread-safe. Deterministic: ids are counted, and everything random comes from the faults' seed.

    `lag` seconds long a thing that was made is not listed yet, and one that was deleted still is.
    """

    def __init__(
        self, *, now: Callable[[], float] = lambda: 0.0, faults: Faults | None = None, lag: float = 0.0,
        ready_after: Mapping[str, float] | None = None, limits: Mapping[str, int] | None = None,
        state_file: Path | None = None,
    ) -> None:  # fmt: skip
        self.now = now
        self.faults = faults or Faults()
        self.lag = lag
        slow, limits = ready_after or {}, limits or {}
        self.kinds = {
            name: replace(kind, ready_after=slow.get(name, kind.ready_after), limit=limits.get(name, kind.limit))
            for name, kind in KINDS.items()
        }
        self._things: dict[str, Thing] = {}
        self._deleted: dict[str, tuple[float, Thing]] = {}
        self._counts: dict[str, int] = {}
        self._lock = threading.RLock()
        self._state_file = state_file
        self._load()

    def list(self, kind: str, tags: Mapping[str, str] | None = None) -> Sequence[Thing]:
        """Things of a kind whose tags contain these; as of `lag` seconds ago, as far as that is visible."""
        with self._called(f"list {kind}"):
            things = [thing for thing in self._visible() if thing.kind == kind]
            return [thing for thing in things if (tags or {}).items() <= thing.tags.items()]

    def get(self, ids: Iterable[str]) -> Mapping[str, Thing]:
        """Things by id, one call for many; ids that do not exist are missing. Never stale."""
        with self._called("get"):
            return {id: self._things[id] for id in ids if id in self._things}

    def create(self, kind: str, properties: Mapping[str, Any], tags: Mapping[str, str], *, token: str = "") -> Thing:
        """Make one; the same token gives what it made before. Raises Taken, CloudNotFound, QuotaExceeded."""
        with self._called(f"create {kind}"):
            return self._create(kind, properties, tags, token)

    def create_many(
        self, kind: str, wanted: Sequence[tuple[Mapping[str, Any], Mapping[str, str], str]]
    ) -> Sequence[Thing | CloudError]:
        """Make many in one call; an answer for each."""
        with self._called(f"create {kind}"):
            return [self._attempt(kind, *entry) for entry in wanted]

    def update(self, id: str, properties: Mapping[str, Any]) -> Thing:
        """Change properties."""
        thing = self._things.get(id)
        with self._called(f"update {thing.kind if thing else ''}"):
            thing = self._existing(id)
            self._check_references(self.kinds[thing.kind], properties)
            return self._put(replace(thing, properties={**thing.properties, **properties}))

    def delete(self, ids: Iterable[str]) -> None:
        """Delete things, and what is within them; absent is fine. Raises InUse, having deleted none."""
        ids = list(ids)
        kinds = sorted({self._things[id].kind for id in ids if id in self._things})
        with self._called(f"delete {' '.join(kinds)}"):
            going = {id for id in ids if id in self._things}
            going |= {thing.id for thing in self._things.values() if self._parent(thing) in going}
            for id in going:
                if users := sorted(user for user in self._users(id) if user not in going):
                    raise InUse(f"{id} is in use by {', '.join(users)}")
            for id in going:
                self._deleted[id] = (self.now(), self._things.pop(id))
            self._save()

    def is_ready(self, thing: Thing) -> bool:
        """Whether it has had the time that it takes; no call."""
        return self.now() - thing.created >= self.kinds[thing.kind].ready_after

    def everything(self) -> Sequence[Thing]:
        """All things, without a call: what tests look at for leaks."""
        return sorted(self._things.values(), key=lambda thing: thing.id)

    def _called(self, call: str) -> _Call:
        return _Call(self.faults, self._lock, call)

    def _visible(self) -> Sequence[Thing]:
        if not self.lag:
            return list(self._things.values())
        oldest = self.now() - self.lag
        shown = [thing for thing in self._things.values() if thing.created <= oldest]
        return shown + [thing for when, thing in self._deleted.values() if when > oldest]

    def _attempt(
        self, kind: str, properties: Mapping[str, Any], tags: Mapping[str, str], token: str
    ) -> Thing | CloudError:
        try:
            return self._create(kind, properties, tags, token)
        except CloudError as error:
            return error

    def _create(self, kind: str, properties: Mapping[str, Any], tags: Mapping[str, str], token: str) -> Thing:
        rules = self.kinds[kind]
        if token and (known := next((t for t in self._things.values() if t.token == token), None)):
            return known
        same = [thing for thing in self._things.values() if thing.kind == kind]
        if rules.limit and len(same) >= rules.limit:
            raise QuotaExceeded(f"at most {rules.limit} of kind {kind} are allowed")
        self._check_unique(rules, properties, same)
        self._check_references(rules, properties)
        self._counts[kind] = self._counts.get(kind, 0) + 1
        thing = Thing(f"{kind}-{self._counts[kind]}", kind, dict(properties), dict(tags), self.now(), token)
        return self._put(thing)

    def _check_unique(self, rules: Kind, properties: Mapping[str, Any], same: Iterable[Thing]) -> None:
        wanted = [properties.get(name) for name in rules.unique]
        for thing in same if rules.unique else ():
            if [thing.properties.get(name) for name in rules.unique] == wanted:
                values = ", ".join(f"{name} {properties.get(name)!r}" for name in rules.unique)
                raise Taken(f"{rules.name} with {values} exists: {thing.id}", thing.id)

    def _check_references(self, rules: Kind, properties: Mapping[str, Any]) -> None:
        for name in (*rules.references, *([rules.within] if rules.within else ())):
            for id in _ids(properties.get(name)):
                if id not in self._things:
                    raise CloudNotFound(f"{rules.name}: {name} {id} does not exist")

    def _users(self, id: str) -> Iterable[str]:
        for thing in self._things.values():
            if any(id in _ids(thing.properties.get(name)) for name in self.kinds[thing.kind].references):
                yield thing.id

    def _parent(self, thing: Thing) -> str:
        within = self.kinds[thing.kind].within
        return str(thing.properties.get(within, "")) if within else ""

    def _existing(self, id: str) -> Thing:
        if id not in self._things:
            raise CloudNotFound(f"{id} does not exist")
        return self._things[id]

    def _put(self, thing: Thing) -> Thing:
        self._things[thing.id] = thing
        self._save()
        return thing

    def _load(self) -> None:
        if self._state_file is not None and self._state_file.exists():
            state = decode(self._state_file.read_bytes())
            self._things = {entry["id"]: Thing(**entry) for entry in state["things"]}
            self._counts = dict(state["counts"])

    def _save(self) -> None:
        if self._state_file is not None:
            state = {"things": [asdict(thing) for thing in self._things.values()], "counts": self._counts}
            fresh = self._state_file.with_suffix(".new")
            fresh.write_bytes(encode(state))
            fresh.replace(self._state_file)


@dataclass(slots=True)
class _Call:
    faults: Faults
    lock: threading.RLock
    call: str

    def __enter__(self) -> None:
        self.faults.before(self.call)
        self.lock.acquire()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.lock.release()
        if error is None:
            self.faults.after(self.call)


def stable_number(text: str, below: int) -> int:
    """A number that depends on the text alone."""
    return zlib.crc32(text.encode()) % below


def _ids(value: Any) -> Sequence[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(entry) for entry in value or ()]
