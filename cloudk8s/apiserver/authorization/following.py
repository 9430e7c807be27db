"""Keep an RBAC index in step with the store."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.apiserver.authorization.rbac import GROUP, RBAC
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Event, Record, Store, Subscription

PREFIX = f"/registry/{GROUP}/"


def follow(store: Store, rbac: RBAC) -> Subscription:
    """Take in every role and binding that is stored, and from then on each change in the turn of its commit."""
    held = store.range(PREFIX)
    for record in held.records:
        _put(rbac, record)

    def deliver(events: Sequence[Event]) -> None:
        for event in events:
            if event.type == "DELETED":
                plural, namespace, name = _parts(event.record)
                rbac.remove(plural, namespace, name)
            else:
                _put(rbac, event.record)

    return store.watch(PREFIX, deliver, after=held.revision)


def _put(rbac: RBAC, record: Record) -> None:
    rbac.put(_parts(record)[0], codec.decode(record.value))


def _parts(record: Record) -> tuple[str, str, str]:
    """Plural, namespace and name from `PREFIX plural/[namespace/]name`."""
    plural, _, rest = record.key[len(PREFIX) :].partition("/")
    namespace, separator, name = rest.partition("/")
    return (plural, namespace, name) if separator else (plural, "", namespace)
