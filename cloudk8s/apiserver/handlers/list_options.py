"""metav1.ListOptions from the query, validated in upstream's order and words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, not_supported
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import Query
from cloudk8s.errors import BadRequest

_MATCHES = ("NotOlderThan", "Exact")
_DIGITS: Final = re.compile("[0-9]+")
_INTEGER: Final = re.compile("[+-]?[0-9]+")
_MOST_DIGITS: Final = 1000
"""Longer numbers are not read at all: leading zeros aside, they are out of every range."""


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
        limit=max(0, read_integer(query.get("limit")) or 0),
        continue_token=query.get("continue"),
        resource_version=query.get("resourceVersion"),
        match=query.get("resourceVersionMatch"),
        timeout_seconds=read_integer(query.get("timeoutSeconds"), is_pointer="timeoutSeconds" in query),
        bookmarks=query.flag("allowWatchBookmarks"),
        send_initial_events=None if send is None else query.flag("sendInitialEvents"),
        watch=watch,
    )
    errors = _check_watch(options) if watch else _check_list(options)
    if errors:
        raise failures.invalid("ListOptions", "meta.k8s.io", "", errors)
    return options


def parse_revision(text: str) -> int:
    """A resource version as a number; upstream's 500 without a reason for anything else."""
    if problem := revision_problem(text):
        raise failures.plain_error(problem)
    return int(text)


def revision_problem(text: str) -> str:
    """What upstream says of a resource version that is no unsigned 64-bit number; empty for one that is."""
    problem = "" if _DIGITS.fullmatch(text) else "invalid syntax"
    if not problem and (len(text) > _MOST_DIGITS or int(text) >= 2**64):
        problem = "value out of range"
    if not problem:
        return ""
    return f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": {problem}'


def read_integer(text: str, *, is_pointer: bool = False) -> int | None:
    """A 64-bit number of the query, None where it is empty; BadRequest in upstream's words for anything else.

    `is_pointer`: upstream holds it by pointer, and finds that the empty text is no number.
    """
    if not text and not is_pointer:
        return None
    problem = "" if _INTEGER.fullmatch(text) else "invalid syntax"
    if not problem and (len(text) > _MOST_DIGITS or not -(2**63) <= int(text) < 2**63):
        problem = "value out of range"
    if problem:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": {problem}')
    return int(text)


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
