"""Indented JSON for people: who asks for it, or looks with a browser or with curl."""

from __future__ import annotations

from typing import Final

from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Pieces, Response, joined
from cloudk8s.apiserver.negotiation import JSON
from cloudk8s.machinery import codec

_PEOPLE: Final = ("curl", "Wget", "Mozilla/5.0")
"""How the user agents of programs begin whose output people read."""
_TRUE: Final = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_MOST: Final = 4 * 1024 * 1024
"""Longer answers are sent as they are: nobody reads them, and the loop has others to serve."""


def wants_pretty(context: RequestContext) -> bool:
    """Upstream's rule: the parameter `pretty` if it is there, else what the client is."""
    if context.query and (text := context.query.get("pretty")):
        return text in _TRUE
    headers = context.headers
    return headers.get("user-agent", "").startswith(_PEOPLE) or "pretty=1" in headers.get("accept", "")


def prettily(answer: Response) -> Response:
    """The answer with its document indented; itself where it is none, or too long."""
    body = answer.body
    if answer.content_type != JSON or (isinstance(body, Pieces) and body.length > _MOST):
        return answer
    text = joined(body)
    if not text or len(text) > _MOST:
        return answer
    try:
        return Response(answer.status, codec.encode_indented(codec.decode(text)), JSON, answer.headers)
    except (codec.DecodeError, TypeError):
        return answer
