"""`?watch=true`: one chunked answer that follows a collection."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from sys import intern
from typing import Any, Final

from cloudk8s.api.protobuf import encode_event
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.http.interface import Stream, StreamWriter
from cloudk8s.apiserver.negotiation import JSON, PROTOBUF, YAML, Format
from cloudk8s.apiserver.operations import watching
from cloudk8s.apiserver.operations.selection import Selection
from cloudk8s.apiserver.operations.watching import Change, WatchRequest
from cloudk8s.apiserver.presenting import Presenter, partial_metadata
from cloudk8s.apiserver.protobuf_answers import encode_tree
from cloudk8s.errors import Cause, Expired, StatusError, Timeout
from cloudk8s.machinery import codec, yaml_codec
from cloudk8s.machinery.alarms import Moment
from cloudk8s.storage.interface import Compacted, Event, FutureRevision, Record, Subscription

_CONTENT_TYPES: Final = {JSON: JSON, YAML: YAML, PROTOBUF: f"{PROTOBUF};stream=watch"}
_BOOKMARK_SECONDS: Final = 60.0
_AT_ONCE: Final = 1024 * 1024
"""Bytes of a first state that need not wait for the reader."""
_SLICE: Final = 64
"""Objects of a larger one that are sent between two looks at the reader."""
_END_ANNOTATION: Final = {"k8s.io/initial-events-end": "true"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a watch runs; `timeout` in seconds."""

    request: WatchRequest
    timeout: float
    bookmarks: bool = False
    marks_initial_end: bool = False
    include: str = ""


class WatchStream:
    """One watcher: turns changes into frames and ends after its timeout."""

    __slots__ = (
        "_beginning", "_core", "_ends", "_form", "_has_bookmarks", "_include", "_moment", "_namespace", "_options",
        "_presenter", "_resource", "_revision", "_selection", "_sent", "_sent_columns", "_shares_frames",
        "_subscription", "_view", "_writer",
    )  # fmt: skip

    def __init__(
        self, core: Core, presenter: Presenter, resource: ResourceType, namespace: str, selection: Selection,
        form: Format, options: WatchOptions,
    ) -> None:  # fmt: skip
        self._core = core
        self._presenter = presenter
        self._resource = resource
        self._namespace = namespace
        self._selection = selection
        self._form = form
        self._options: WatchOptions | None = options
        self._has_bookmarks = options.bookmarks
        self._include = options.include
        self._beginning: asyncio.Task[None] | None = None
        """Sends what there is at first, where that is much."""
        self._ends = 0.0
        self._view = intern(f"{form} {resource.api_version}/{resource.plural}")
        """Names what makes two watches' frames the same; a text, because it is hashed for every delivery."""
        self._shares_frames = form.form != "table" and form.media_type != YAML
        self._subscription: Subscription | None = None
        self._moment: Moment | None = None
        """When it is woken next."""
        self._revision = 0
        self._sent = core.sent_events.of(resource)
        self._sent_columns = False
        self._writer: StreamWriter | None = None

    def answer(self) -> Stream:
        """The HTTP answer; nothing happens before it is started."""
        content_type = _CONTENT_TYPES[self._form.media_type]
        return Stream(self._start, self._stop, content_type)

    def _start(self, writer: StreamWriter) -> None:
        options, self._options = self._options, None  # thousands are held, and this is needed once
        assert options is not None
        self._writer = writer
        self._ends = asyncio.get_running_loop().time() + options.timeout
        if options.request.initial:
            records, revision = watching.present(self._core, self._resource, self._namespace, self._selection)
            if _is_large(records):
                writer.is_paced = True
                self._beginning = asyncio.create_task(self._begin(records, revision, options), name="watch begins")
                self._sleep(options.timeout)
                return
            self._on_changes([("ADDED", record, None) for record in records], revision)
            self._follow(revision, options)
        else:
            self._follow(options.request.after, options)

    async def _begin(self, records: Sequence[Record], revision: int, options: WatchOptions) -> None:
        """Send what there is as fast as it is taken; what happens meanwhile is in the store's history."""
        writer = self._writer
        assert writer is not None
        try:
            for start in range(0, len(records), _SLICE):
                self._on_changes([("ADDED", record, None) for record in records[start : start + _SLICE]], 0)
                await writer.drain()
                if writer.is_closed:
                    return
            writer.is_paced, self._beginning, self._revision = False, None, revision
            self._follow(revision, options)
        except Exception:  # noqa: BLE001 - logged; the client begins anew
            _log.exception("a watch of %s failed to begin", self._resource.plural)
            writer.cut_off()

    def _follow(self, after: int | None, options: WatchOptions) -> None:
        try:
            self._subscription = watching.watch(
                self._core, self._resource, self._namespace, self._selection, WatchRequest(after), self._on_changes,
                self._on_events if self._shares_frames else None,
            )  # fmt: skip
        except (Compacted, FutureRevision) as error:
            self._fail(error)
            return
        if options.marks_initial_end:
            self._bookmark(_END_ANNOTATION)
        if self._moment is None and self._subscription is not None:
            self._sleep(options.timeout)

    def _sleep(self, left: float) -> None:
        """Until the watch ends, or the next bookmark is due."""
        self._moment = self._core.alarms.set(self, min(left, _BOOKMARK_SECONDS) if self._has_bookmarks else left)

    def wake(self) -> None:
        """See `Alarms`."""
        self._moment = None
        if (left := self._ends - asyncio.get_running_loop().time()) <= 0:
            self._expire()
            return
        if self._beginning is None:
            self._revision = self._core.store.revision
            self._bookmark()
        if self._beginning is not None or self._subscription is not None:
            self._sleep(left)

    def _stop(self) -> None:
        if self._moment is not None:
            self._moment.leave(self)
            self._moment = None
        if self._beginning is not None:
            self._beginning.cancel()
            self._beginning = None
        if self._subscription is not None:
            self._subscription.close()
            self._subscription = None

    def _on_changes(self, changes: Sequence[Change], revision: int) -> None:
        writer = self._writer
        if writer is None or writer.is_closed:
            return
        self._revision = max(revision, self._revision)
        if len(changes) == 1:
            frame = self._frame(changes[0])
            self._sent.note(len(frame))
            writer.write_framed(frame)
        elif changes:
            frames = [self._frame(change) for change in changes]
            for frame in frames:
                self._sent.note(len(frame))
            writer.write_framed(b"".join(frames))

    def _on_events(self, events: Sequence[Event]) -> None:
        """The same for a watch that sees everything: called for each event and each of thousands of watches."""
        writer, view = self._writer, self._view
        if writer is None or writer.is_closed:
            return
        self._revision = events[-1].record.revision
        for event in events:
            frame = event.frames.get(view) or self._frame((event.type, event.record, event))
            self._sent.note(len(frame))
            writer.write_framed(frame)

    def _frame(self, change: Change) -> bytes:
        """One event in chunked framing; frames of whole objects are made once for all watchers."""
        kind, record, event = change
        if event is None or not self._shares_frames:
            return chunk(self._encode(kind, record))
        key = self._view if kind == event.type else (kind, self._view)
        frame = event.frames.get(key)
        if frame is None:
            frame = event.frames[key] = chunk(self._encode(kind, record))
        return frame

    def _encode(self, kind: str, record: Record) -> bytes:
        if self._form.media_type == PROTOBUF:
            return self._event(kind, self._presenter.tree(self._resource, record))
        if self._form.is_plain or self._form.pretty:
            return (
                b'{"type":"' + kind.encode() + b'","object":' + self._presenter.value(self._resource, record) + b"}\n"
            )
        tree = self._presenter.tree(self._resource, record)
        if self._form.form == "metadata":
            tree = partial_metadata(tree, self._form)
        elif self._form.form == "table":
            tree = self._table(tree)
        if self._form.media_type == YAML:
            return yaml_codec.encode({"type": kind, "object": tree})
        return codec.encode({"type": kind, "object": tree}) + b"\n"

    def _event(self, kind: str, tree: dict[str, Any]) -> bytes:
        """An event about something that is not stored, or not in this form."""
        if self._form.media_type == PROTOBUF:
            return encode_event(kind, encode_tree(tree, self._core.registry))
        return codec.encode({"type": kind, "object": tree}) + b"\n"

    def _table(self, tree: dict[str, Any]) -> dict[str, Any]:
        metadata = {"resourceVersion": tree["metadata"]["resourceVersion"]}
        table = self._presenter.table(
            self._resource, [tree], self._form, metadata, self._include, with_columns=not self._sent_columns
        )
        self._sent_columns = True
        return table

    def _bookmark(self, annotations: dict[str, str] | None = None) -> None:
        if self._writer is None or self._writer.is_closed:
            return
        metadata: dict[str, Any] = {"resourceVersion": str(self._revision or self._core.store.revision)}
        metadata["creationTimestamp"] = None
        if annotations:
            metadata["annotations"] = annotations
        mark = self._event("BOOKMARK", self._mark(metadata))
        self._writer.write(mark)
        self._sent.note(len(mark))

    def _mark(self, metadata: dict[str, Any]) -> dict[str, Any]:
        """An object that is only metadata, in the form of the others: who asked for metadata can read nothing else."""
        obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": metadata}
        if self._form.form == "metadata":
            return partial_metadata(obj, self._form)
        if self._form.form == "table":
            return self._presenter.table(self._resource, [], self._form, metadata, with_columns=False)
        return obj

    def _expire(self) -> None:
        if self._has_bookmarks and self._revision:
            self._bookmark()
        self._end()

    def _fail(self, error: Exception) -> None:
        """Upstream answers 200 and sends one ERROR event for a revision that is gone."""
        status = too_old(error).status
        if self._writer is not None:
            self._writer.write(self._event("ERROR", status))
        self._end()

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _is_large(records: Sequence[Record]) -> bool:
    size = 0
    for record in records:
        size += len(record.value)
        if size > _AT_ONCE:
            return True
    return False


def too_old(error: Exception) -> StatusError:
    """410 for a compacted revision and 504 for one that is yet to come, in upstream's words."""
    if isinstance(error, Compacted):
        return Expired(f"too old resource version: {error.revision} ({error.oldest})")
    assert isinstance(error, FutureRevision)
    said = "Too large resource version"
    return Timeout(
        f"Timeout: {said}: {error.revision}, current: {error.current}",
        causes=[Cause("ResourceVersionTooLarge", said)],
        retry_after=timedelta(seconds=1),
    )


def chunk(data: bytes) -> bytes:
    """Bytes in HTTP/1.1 chunked framing."""
    return b"%x\r\n%b\r\n" % (len(data), data)
