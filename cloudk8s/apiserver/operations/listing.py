"""Read a collection: selectors, pages, consistent continue tokens."""

from __future__ import annotations

import base64
import posixpath
import string
from collections.abc import Sequence
from dataclasses import dataclass

from cloudk8s.api.decoding.wording import json_kind
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.selection import Selection
from cloudk8s.errors import BadRequest, Expired
from cloudk8s.machinery import codec, json_syntax
from cloudk8s.storage.interface import Compacted, Record

_VERSION = "meta.k8s.io/v1"
_ALPHABET = frozenset(string.ascii_letters + string.digits + "-_")
_INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a collection at one revision."""

    records: Sequence[Record]
    revision: int
    continue_token: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: `revision` None is the newest."""

    limit: int = 0
    continue_token: str = ""
    revision: int | None = None


def read_page(core: Core, resource: ResourceType, namespace: str, selection: Selection, page: PageRequest) -> Page:
    """Read one page; the token carries the revision of the first page, so all pages agree."""
    prefix = resource.prefix_in(namespace)
    if selection.name and not page.continue_token:
        return _single(core, resource, namespace, selection, page)
    after, revision = "", page.revision
    if page.continue_token:
        revision, start = decode_token(page.continue_token)
        after = prefix + start
    try:
        return _read(core, resource, prefix, selection, page.limit, after, revision or None)
    except Compacted:
        raise _too_old(core, page, after.removeprefix(prefix)) from None


def _single(core: Core, resource: ResourceType, namespace: str, selection: Selection, page: PageRequest) -> Page:
    """A selector on the name of an object in one place is a lookup, not a scan."""
    if resource.namespaced and not namespace:
        return _read(core, resource, resource.prefix, selection, page.limit, "", page.revision)
    record = core.store.get(resource.key(namespace, selection.name))
    found = [record] if record and selection.matches(core.attributes(resource, record)) else []
    return Page(found, core.store.revision)


def _read(
    core: Core, resource: ResourceType, prefix: str, selection: Selection, limit: int, after: str, revision: int | None
) -> Page:
    if selection.is_everything:
        result = core.store.range(prefix, after=after, limit=limit, revision=revision)
        if not limit or not result.remaining:
            return Page(result.records, result.revision)
        token = encode_token(result.revision, result.records[-1].key.removeprefix(prefix))
        return Page(result.records, result.revision, token, result.remaining)
    result = core.store.range(prefix, after=after, revision=revision)
    matching: list[Record] = []
    for record in result.records:
        if not selection.matches(core.attributes(resource, record)):
            continue
        if limit and len(matching) == limit:
            token = encode_token(result.revision, matching[-1].key.removeprefix(prefix))
            return Page(matching, result.revision, token)
        matching.append(record)
    return Page(matching, result.revision)


def encode_token(revision: int, start: str) -> str:
    """Upstream's continue token: the list's revision and the last key, relative to the collection."""
    data = codec.encode({"v": _VERSION, "rv": revision, "start": start + "\0"})
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode_token(token: str) -> tuple[int | None, str]:
    """Revision and last key of a token; a revision of -1 asks for the newest state (after an expired token)."""
    data = _token_bytes(token)
    try:
        fields = codec.decode(data)
    except ValueError:
        raise _not_valid(json_syntax.problem(data) or "unexpected end of JSON input") from None
    if fields is None:
        fields = {}
    if not isinstance(fields, dict):
        raise _not_valid(f"json: cannot unmarshal {json_kind(fields)} into Go value of type storage.continueToken")
    version, revision, start = (fields.get(name) for name in ("v", "rv", "start"))
    if version != _VERSION:
        raise _not_valid(f"server does not recognize this encoded version {codec.encode(version or '').decode()}")
    if not isinstance(revision, int) or not revision:
        raise _not_valid(f"incorrect encoded start resourceVersion (version {_VERSION})")
    if not isinstance(start, str) or not start:
        raise _not_valid(f"encoded start key empty (version {_VERSION})")
    if posixpath.normpath(f"/{start}") != f"/{start}":
        raise _not_valid(start)
    return (None if revision < 0 else revision), start.removesuffix("\0")


def _token_bytes(token: str) -> bytes:
    """A token's content; Go reads it without padding."""
    try:
        if "=" in token:
            raise ValueError
        padded = token + "=" * (-len(token) % 4)
        return base64.b64decode(padded.encode(), b"-_", validate=True)
    except ValueError:
        valid = next((i for i, char in enumerate(token) if char not in _ALPHABET), len(token) - len(token) % 4)
        raise _not_valid(f"illegal base64 data at input byte {valid}") from None


def _not_valid(problem: str) -> BadRequest:
    return BadRequest(f"invalid continue token: continue key is not valid: {problem}")


def _too_old(core: Core, page: PageRequest, start: str) -> Expired:
    if not page.continue_token:
        return failures.expired("The resourceVersion for the provided list is too old.")
    error = Expired(_INCONSISTENT)
    token = base64.urlsafe_b64encode(codec.encode({"v": _VERSION, "rv": -1, "start": start + "\0"}))
    return Expired(_INCONSISTENT, status=error.status | {"metadata": {"continue": token.decode().rstrip("=")}})
