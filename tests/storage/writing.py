"""Small values and short calls for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.storage.interface import Draft, Event, Record, Store, Write

PODS = "/registry/core/pods/"


def draft(text: str = "") -> Draft:
    return Draft(b'{"metadata":{"resourceVersion":"', b'"},"text":"%b"}' % text.encode())


def text_of(record: Record) -> str:
    return record.value.partition(b'"text":"')[2].removesuffix(b'"}').decode()


async def create(store: Store, name: str, text: str = "", prefix: str = PODS) -> Record:
    return await store.write(Write(prefix + name, draft(text), 0))


async def update(store: Store, name: str, text: str = "", prefix: str = PODS) -> Record:
    return await store.write(Write(prefix + name, draft(text), None))


async def delete(store: Store, name: str, prefix: str = PODS) -> Record:
    return await store.write(Write(prefix + name, None, None))


def names(records: Sequence[Record], prefix: str = PODS) -> list[str]:
    return [record.key.removeprefix(prefix) for record in records]


class Seen:
    """Collects what a watch delivers."""

    def __init__(self) -> None:
        self.calls: list[list[Event]] = []

    def __call__(self, events: Sequence[Event]) -> None:
        self.calls.append(list(events))

    @property
    def events(self) -> list[Event]:
        return [event for call in self.calls for event in call]

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.type, event.record.key.removeprefix(PODS)) for event in self.events]
