"""metav1.ListOptions from the query, validated in upstream's order and words."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, not_supported
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import Query
from cloudk8s.errors import BadRequest

_MATCHES = ("NotOlderThan", "Exact")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list or watch asks for; `resource_version` is as sent."""

    label_selector: str
    field_selector: str
    limit: int
    continue_token: str
    resource_version: str
    match: str
    timeout_seconds: int | None
    bookmarks: bool
    send_initial_events: bool | None
    watch: bool


def read_list_options(query: Query, *, watch: bool) -> ListOptions:
    """Read and validate; BadRequest or Invalid as upstream answers."""
    send = query.get("sendInitialEvents") if "sendInitialEvents" in query else None
    options = ListOptions(
        label_selector=query.get("labelSelector"),
        field_selector=query.get("fieldSelector"),
        limit=max(0, _integer(query.get("limit")) or 0),
        continue_token=query.get("continue"),
        resource_version=query.get("resourceVersion"),
        match=query.get("resourceVersionMatch"),
        timeout_seconds=_integer(query.get("timeoutSeconds")),
        bookmarks=query.flag("allowWatchBookmarks"),
        send_initial_events=None if send is None else query.flag("sendInitialEvents"),
        watch=watch,
    )
    errors = _check_watch(options) if watch else _check_list(options)
    if errors:
        raise failures.invalid("ListOptions", "meta.k8s.io", "", errors)
    return options


def parse_revision(text: str) -> int:
    """A resource version as a number; an InternalError in upstream's words for anything else."""
    if text.isdecimal() and text.isascii():
        return int(text)
    raise failures.plain_error(
        f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    )


def _integer(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _check_list(options: ListOptions) -> list[FieldError]:
    errors: list[FieldError] = []
    match, version = options.match, options.resource_version
    if options.send_initial_events is not None:
        errors.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    if not match:
        return errors
    path = "resourceVersionMatch"
    if not version:
        errors.append(forbidden(path, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
    if options.continue_token:
        errors.append(forbidden(path, "resourceVersionMatch is forbidden when continue is provided"))
    if match not in _MATCHES:
        errors.append(not_supported(path, match, [*_MATCHES, ""]))
    if match == "Exact" and version == "0":
        errors.append(forbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    return errors


def _check_watch(options: ListOptions) -> list[FieldError]:
    errors: list[FieldError] = []
    match, path = options.match, "resourceVersionMatch"
    if options.send_initial_events is not None:
        if match != "NotOlderThan":
            detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            errors.append(forbidden(path, detail))
        if not options.bookmarks and options.send_initial_events and match == "NotOlderThan":
            return errors
    elif match:
        detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        errors.append(forbidden(path, detail))
    if match and match != "NotOlderThan":
        errors.append(not_supported(path, match, ["NotOlderThan"]))
    if options.continue_token:
        errors.append(invalid("continue", options.continue_token, "continue is forbidden for watch"))
    return errors
