"""The query and path parameters of operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.openapi.dialect import Dialect

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "allowWatchBookmarks": ("boolean", "Ask for BOOKMARK events, which carry nothing but a newer resource version."),
    "continue": ("string", "The token of the page before; the server answers with the next page."),
    "dryRun": ("string", "All: do everything but store the result."),
    "fieldManager": ("string", "Name of the actor that makes the change, for managed fields; at most 128 characters."),
    "fieldSelector": ("string", "Restrict to objects with these values of fields."),
    "fieldValidation": (
        "string",
        "What to do about unknown and duplicate fields: Ignore, Warn (default) or Strict.",
    ),
    "force": ("boolean", "Take fields over from other managers; for apply patches only."),
    "gracePeriodSeconds": ("integer", "Seconds before the object is deleted; zero deletes at once."),
    "labelSelector": ("string", "Restrict to objects with these labels."),
    "limit": ("integer", "How many items a page holds at most."),
    "name": ("string", "Name of the object."),
    "namespace": ("string", "Namespace of the object, for authentication and such purposes."),
    "orphanDependents": ("boolean", "Deprecated, use propagationPolicy."),
    "path": ("string", "Path of the URL to proxy to."),
    "pretty": ("string", "If true, the output is indented."),
    "propagationPolicy": ("string", "What becomes of dependents: Orphan, Background or Foreground."),
    "resourceVersion": ("string", "Constraint on the resource versions that the answer may be of."),
    "resourceVersionMatch": ("string", "How resourceVersion is meant: Exact or NotOlderThan."),
    "sendInitialEvents": ("boolean", "Begin a watch with what exists, and mark its end with a bookmark."),
    "timeoutSeconds": ("integer", "When the call ends, whatever goes on."),
    "watch": ("boolean", "Stream changes instead of listing."),
}
_WRITE: Final = ("dryRun", "fieldManager", "fieldValidation")
_LIST: Final = (
    "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
    "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
)  # fmt: skip
_DELETE: Final = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
QUERY: Final[Mapping[str, tuple[str, ...]]] = {
    "get": (),
    "list": _LIST,
    "post": _WRITE,
    "put": _WRITE,
    "patch": (*_WRITE, "force"),
    "delete": _DELETE,
    "deletecollection": (*_DELETE, *(name for name in _LIST if name not in ("allowWatchBookmarks", "watch"))),
    "connect": (),
}
"""Query parameters by action, beside `pretty`."""


def query(action: str, dialect: Dialect) -> list[dict[str, Any]]:
    """The query parameters of an action."""
    return [_parameter(name, "query", dialect) for name in QUERY[action]]


def path(name: str, dialect: Dialect) -> dict[str, Any]:
    """A part of the path."""
    return _parameter(name, "path", dialect) | {"required": True}


def pretty(dialect: Dialect) -> dict[str, Any]:
    return _parameter("pretty", "query", dialect)


def _parameter(name: str, where: str, dialect: Dialect) -> dict[str, Any]:
    kind, text = _TEXTS[name]
    head = {"name": name, "in": where, "description": text}
    scalar = {"type": kind, "uniqueItems": True}
    return head | ({"schema": scalar} if dialect == "v3" else scalar)
