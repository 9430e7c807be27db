"""GET on an object or a collection: get, list, watch."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from inspect import isawaitable
from typing import Final

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.list_options import ListOptions, parse_revision, read_list_options, revision_problem
from cloudk8s.apiserver.handlers.watching import WatchOptions, WatchStream, too_old
from cloudk8s.apiserver.http.interface import Answer
from cloudk8s.apiserver.negotiation import negotiate
from cloudk8s.apiserver.operations.listing import PageRequest, read_page
from cloudk8s.apiserver.operations.selection import Selection, select
from cloudk8s.apiserver.operations.watching import WatchRequest
from cloudk8s.apiserver.presenting import Presenter, check_include
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import fields
from cloudk8s.storage.interface import FutureRevision

_MIN_WATCH_SECONDS: Final = 1800.0
"""Upstream's `--min-request-timeout`: a watch without a timeout lives this long to twice this long."""
_MAX_WATCH_SECONDS: Final = 10 * 365 * 24 * 3600
"""What event loops can wait for."""


Outcome = Answer | Awaitable[Answer]


def get(core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType) -> Outcome:
    """One object. A `resourceVersion` that there was is as good as the newest: reads are of the newest state."""
    info = context.info
    form = negotiate(context.headers.get("accept", ""))
    version = context.query.get("resourceVersion")
    if version and (revision := parse_revision(version)) > core.store.revision:
        return _once_reached(core, revision, lambda: get(core, presenter, context, resource))
    record = core.store.get(resource.key(info.namespace, info.name))
    if record is None:
        raise failures.not_found(resource, info.name)
    return presenter.one(resource, record, form, include=context.query.get("includeObject"))


def list_or_watch(core: Core, presenter: Presenter, context: RequestContext, resource: ResourceType) -> Outcome:
    """A collection, once or followed."""
    info, query = context.info, context.query
    watch = info.is_watch or query.flag("watch")
    form = negotiate(context.headers.get("accept", ""), can_stream=True)
    options = read_list_options(query, watch=watch)
    selection = select(core, resource, options.label_selector, options.field_selector)
    if info.is_watch and info.name:
        selection = _named(selection, info.name)
    namespace = info.url_namespace
    include = query.get("includeObject")
    version = options.resource_version
    revision = (parse_revision(version) if watch else _list_revision(version)) if version else 0
    if revision > core.store.revision and not options.continue_token:
        return _once_reached(core, revision, lambda: list_or_watch(core, presenter, context, resource))
    if watch:
        if form.form == "table":
            check_include(include)
        watching = _watch_options(core, options, include)
        answer = WatchStream(core, presenter, resource, namespace, selection, form, watching).answer()
        if "upgrade" not in context.headers:
            return answer
        from cloudk8s.apiserver.streaming import framed  # WebSockets, which few servers are ever asked for

        return framed.watch_in_messages(answer, context.headers)
    page = read_page(core, resource, namespace, selection, _page_request(core, options))
    return presenter.page(resource, page, form, include)


def _named(selection: Selection, name: str) -> Selection:
    return replace(selection, fields=fields.parse(f"metadata.name={name}"), name=name)


def _page_request(core: Core, options: ListOptions) -> PageRequest:
    version = options.resource_version
    if options.continue_token and version and version != "0":
        raise BadRequest("specifying resource version is not allowed when using continue")
    revision = _list_revision(version)
    exact = options.match == "Exact" or (options.limit and revision and not options.match)
    return PageRequest(options.limit, options.continue_token, revision if exact and revision else None)


async def _once_reached(core: Core, revision: int, answer: Callable[[], Outcome]) -> Answer:
    """Answer from a state that a client may have seen at another server of the same store; refuse one yet to come."""
    await core.store.current_revision()
    if revision > core.store.revision:
        raise too_old(FutureRevision(revision, core.store.revision))
    outcome = answer()
    return await outcome if isawaitable(outcome) else outcome


def _list_revision(version: str) -> int:
    if problem := revision_problem(version) if version else "":
        raise BadRequest(f"invalid resource version: {problem}")
    return int(version or 0)


def _watch_options(core: Core, options: ListOptions, include: str) -> WatchOptions:
    revision = parse_revision(options.resource_version) if options.resource_version else 0
    initial = revision == 0 if options.send_initial_events is None else options.send_initial_events
    after = revision or None
    timeout = float(min(options.timeout_seconds or 0, _MAX_WATCH_SECONDS)) or _MIN_WATCH_SECONDS * (1 + random.random())
    marks = bool(options.send_initial_events) and options.bookmarks
    return WatchOptions(WatchRequest(None if initial else after, initial), timeout, options.bookmarks, marks, include)
