"""Watch a collection: initial state, then every change that the selection sees, encoded once for all watchers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.selection import Selection
from cloudk8s.storage.interface import Deliver, Event, EventType, Record, Subscription

Change = tuple[EventType, Record, Event | None]
"""What one watcher sees of one event: its type for this watcher, the record to show, the event it came from."""
Sink = Callable[[Sequence[Change], int], None]
"""Called with changes in order and the revision they bring the watcher to."""

INDEXES: Final = {("", "pods"): "spec.nodeName"}
"""Field selectors that the store has an index for, so watchers of other values cost nothing."""


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """`after` None starts at the newest state without initial events; `initial` sends the present objects first."""

    after: int | None = None
    initial: bool = False


def index_name(resource: ResourceType, field: str) -> str:
    """The store's name for an index."""
    return f"{resource.prefix}:{field}"


def add_indexes(core: Core) -> None:
    """Make the indexes that watches use; called once at start."""
    for (group, plural), field in INDEXES.items():
        resource = core.resource(group, plural)

        def value_of(record: Record, resource: ResourceType = resource, field: str = field) -> str | None:
            return core.attributes(resource, record).fields.get(field) or None

        core.store.add_index(index_name(resource, field), resource.prefix, value_of)


def watch(
    core: Core, resource: ResourceType, namespace: str, selection: Selection, request: WatchRequest, sink: Sink,
    whole: Deliver | None = None,
) -> Subscription:  # fmt: skip
    """Feed `sink` until the subscription is closed. Raises Compacted or FutureRevision.

    Where nothing is selected, `whole` is given the store's events as they are, after the initial state.
    """
    after = request.after
    if request.initial:
        records, after = present(core, resource, namespace, selection)
        sink([("ADDED", record, None) for record in records], after)
    prefix = resource.prefix_in(namespace)
    deliver = (whole or _all(sink)) if selection.is_everything else _selected(core, resource, selection, sink)
    return core.store.watch(prefix, deliver, after=after, index=_index(resource, selection))


def present(
    core: Core, resource: ResourceType, namespace: str, selection: Selection
) -> tuple[Sequence[Record], int]:  # fmt: skip
    """What there is of a selection now, and the revision at which that is so."""
    found = core.store.range(resource.prefix_in(namespace))
    if selection.is_everything:
        return found.records, found.revision
    return [record for record in found.records if _selects(core, resource, selection, record)], found.revision


def _all(sink: Sink) -> Deliver:
    def deliver(events: Sequence[Event]) -> None:
        sink([(event.type, event.record, event) for event in events], events[-1].revision)

    return deliver


def _selected(core: Core, resource: ResourceType, selection: Selection, sink: Sink) -> Deliver:
    def deliver(events: Sequence[Event]) -> None:
        changes = [change for event in events if (change := _seen(core, resource, selection, event))]
        sink(changes, events[-1].revision)

    return deliver


def _index(resource: ResourceType, selection: Selection) -> tuple[str, str] | None:
    field = INDEXES.get((resource.group, resource.plural))
    value = selection.fields.exact(field) if field else None
    return (index_name(resource, field), value) if field and value else None


def _selects(core: Core, resource: ResourceType, selection: Selection, record: Record) -> bool:
    return selection.is_everything or selection.matches(core.attributes(resource, record))


def _seen(core: Core, resource: ResourceType, selection: Selection, event: Event) -> Change | None:
    """An object that comes into the selection is ADDED, one that leaves it is DELETED."""
    before = event.previous is not None and _selects(core, resource, selection, event.previous)
    if event.type == "DELETED":
        return ("DELETED", event.record, event) if before else None
    now = _selects(core, resource, selection, event.record)
    if now:
        return ("MODIFIED" if before else "ADDED"), event.record, event
    return ("DELETED", _as_left(event), event) if before else None


def _as_left(event: Event) -> Record:
    """An object as a selection saw it last, at the revision at which it left: all that its watchers may know."""
    record, previous = event.record, event.previous
    assert previous is not None
    there, here = (b'"resourceVersion":"%d"' % item.revision for item in (previous, record))
    return Record(record.key, previous.value.replace(there, here, 1), record.revision, previous.attributes)
