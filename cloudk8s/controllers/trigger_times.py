"""When what a slice says came about, for those who measure how long the news took: the annotation of that name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import condition, key_of, uid_of
from cloudk8s.machinery.times import format_time, parse_time

ANNOTATION: Final = "endpoints.kubernetes.io/last-change-trigger-time"


class TriggerTimes:
    """Remembers for each Service what it and its pods said last."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def earliest_change(self, service: Object, pods: Iterable[Object]) -> datetime | None:
        """The earliest time among those that have changed since the last call."""
        before = self._known.get(key_of(service), {})
        now = {uid_of(pod): stamp for pod in pods if (stamp := _ready_change(pod))}
        if created := service["metadata"].get("creationTimestamp"):
            now[uid_of(service)] = created
        self._known[key_of(service)] = now
        changed = [parse_time(stamp) for uid, stamp in now.items() if stamp > before.get(uid, "")]
        return min(changed, default=None)

    def forget(self, service: str) -> None:
        """The Service is gone."""
        self._known.pop(service, None)


def stamped(obj: Object, moment: datetime | None) -> Object:
    """A copy that says when its change came about; without a time it says nothing."""
    metadata = dict(obj.get("metadata") or {})
    annotations = {name: text for name, text in (metadata.pop("annotations", None) or {}).items() if name != ANNOTATION}
    if moment is not None:
        annotations[ANNOTATION] = format_time(moment)
    return {**obj, "metadata": metadata | ({"annotations": annotations} if annotations else {})}


def _ready_change(pod: Object) -> str:
    ready = condition(pod, "Ready")
    return str((ready or {}).get("lastTransitionTime") or "")
