"""Follows the stored FlowSchemas and PriorityLevelConfigurations, and says of each request how it is treated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.apiserver.bootstrap import flow_control as suggested
from cloudk8s.apiserver.flow_control import rules
from cloudk8s.apiserver.flow_control.dealing import hand
from cloudk8s.apiserver.flow_control.level import PATIENCE, Level
from cloudk8s.apiserver.flow_control.rules import Digest
from cloudk8s.apiserver.flow_control.seats import TOTAL, Limits, Pool, shared_out
from cloudk8s.apiserver.flow_control.tally import Tally
from cloudk8s.apiserver.request_info import RequestInfo
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Event, Record, Store, Subscription

PREFIX: Final = "/registry/flowcontrol.apiserver.k8s.io/"
SCHEMAS, LEVELS = "flowschemas", "prioritylevelconfigurations"
_REMEMBERED: Final = 16384
"""How many kinds of requests are kept classified."""


class Flow:
    """How requests that are alike are treated: their level, the queues they may wait in, what the answer says."""

    __slots__ = ("hand", "head", "headers", "level", "tally")

    def __init__(self, level: Level, schema_uid: str, hand: tuple[int, ...], tally: Tally) -> None:
        names = {"X-Kubernetes-PF-FlowSchema-UID": schema_uid, "X-Kubernetes-PF-PriorityLevel-UID": level.uid}
        self.level = level
        self.hand = hand
        self.tally = tally
        self.headers = [(name, value) for name, value in names.items() if value]
        self.head = "".join(f"{name}: {value}\r\n" for name, value in self.headers)

    async def wait(self) -> None:
        """Wait for a seat where `level.take` found none; raises TooManyRequests."""
        await self.level.wait(self.hand, self.tally)


class FlowControl:
    """Priority and fairness of one server."""

    def __init__(self, *, total: int = TOTAL, patience: timedelta = PATIENCE) -> None:
        self.levels: dict[str, Level] = {}
        self.tallies: dict[tuple[str, str], Tally] = {}
        self._total = total
        self._patience = patience
        self._pool = Pool()
        self._objects: dict[str, dict[str, Object]] = {SCHEMAS: {}, LEVELS: {}}
        self._schemas: list[Object] = []
        """Those whose level is there, in the order in which they match."""
        self._known: dict[tuple[Any, ...], Flow] = {}
        self._rebuild()

    def follow(self, store: Store) -> Subscription:
        """Take in what is stored, and from then on each change in the turn of its commit."""
        held = store.range(PREFIX)
        for record in held.records:
            self._put(record)
        self._rebuild()
        return store.watch(PREFIX, self._deliver, after=held.revision)

    def put(self, objects: Iterable[Object]) -> None:
        """Take in FlowSchemas and PriorityLevelConfigurations."""
        for obj in objects:
            plural = SCHEMAS if obj["kind"] == "FlowSchema" else LEVELS
            self._objects[plural][obj["metadata"]["name"]] = obj
        self._rebuild()

    def classify(self, user: UserInfo, verb: str, info: RequestInfo) -> Flow:
        """How a request is treated; a dictionary read for all but the first of its kind."""
        key = (user.name, user.groups, verb, info.kind_of_place or info.path, info.namespace)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = self._classified(Digest(user, verb, info))
        return found

    def _deliver(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.type == "DELETED":
                plural, name = _parts(event.record)
                self._objects.get(plural, {}).pop(name, None)
            else:
                self._put(event.record)
        self._rebuild()

    def _put(self, record: Record) -> None:
        plural, name = _parts(record)
        self._objects.setdefault(plural, {})[name] = codec.decode(record.value)

    def _rebuild(self) -> None:
        """Make levels and the order of schemas from the objects; the mandatory ones are there in any case."""
        levels = {obj["metadata"]["name"]: obj for obj in suggested.priority_levels() if _is_mandatory(obj)}
        levels |= self._objects[LEVELS]
        limits = shared_out({name: obj.get("spec") or {} for name, obj in levels.items()}, self._total)
        for name, obj in levels.items():
            self._level(name).configure(obj.get("spec") or {}, obj["metadata"].get("uid", ""), limits[name])
        for name in self.levels.keys() - levels.keys():
            self._retire(self.levels[name])
        self._pool.size = sum(one.nominal - one.lower for one in limits.values())
        self._pool.used = sum(level.borrowed for level in self.levels.values())
        schemas = {obj["metadata"]["name"]: obj for obj in suggested.flow_schemas() if _is_mandatory(obj)}
        heeded = (one for one in (schemas | self._objects[SCHEMAS]).values() if _level_name(one) in levels)
        self._schemas = sorted(heeded, key=_precedence)
        self._known.clear()
        self._serve()

    def _level(self, name: str) -> Level:
        found = self.levels.get(name)
        if found is None:
            found = self.levels[name] = Level(name, self._pool, self._serve, self._patience)
        return found

    def _retire(self, level: Level) -> None:
        """A level that is gone lives on for those who are in it, with one seat at least."""
        if level.taken or level.waiting:
            level.limits = Limits(0, 1, max(1, level.limits.upper))
        else:
            del self.levels[level.name]

    def _classified(self, digest: Digest) -> Flow:
        schema = next((one for one in self._schemas if rules.matches(one["spec"], digest)), None)
        if schema is None:
            schema = next(one for one in self._schemas if one["metadata"]["name"] == "catch-all")
        name, level = schema["metadata"]["name"], self.levels[_level_name(schema)]
        distinguisher = rules.distinguisher(schema["spec"], digest)
        dealt = hand(name, distinguisher, queues=level.queue_count, size=level.hand_size)
        tally = self.tallies.setdefault((level.name, name), Tally(name, level.name))
        return Flow(level, schema["metadata"].get("uid", ""), dealt, tally)

    def _serve(self) -> None:
        """Hand out free seats: first at levels that have less than their share."""
        waiting = [level for level in self.levels.values() if level.waiting]
        for level in sorted(waiting, key=lambda one: one.taken >= one.limits.nominal) if waiting else ():
            while level.serve_next():
                pass


def _is_mandatory(obj: Object) -> bool:
    return obj["metadata"]["name"] in suggested.MANDATORY


def _level_name(schema: Object) -> str:
    spec: Mapping[str, Any] = schema.get("spec") or {}
    return str((spec.get("priorityLevelConfiguration") or {}).get("name", ""))


def _precedence(schema: Object) -> tuple[int, str]:
    return (schema.get("spec") or {}).get("matchingPrecedence") or 0, schema["metadata"]["name"]


def _parts(record: Record) -> tuple[str, str]:
    """Plural and name from `PREFIX plural/name`."""
    plural, _, name = record.key[len(PREFIX) :].partition("/")
    return plural, name
