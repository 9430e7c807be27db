"""How long a request may take: what its `timeout` says, and a minute at most, as upstream's `--request-timeout`.

Watches and what leads to a node (logs, commands, proxies) go on for as long as they like.
"""

from __future__ import annotations

from typing import Final

from cloudk8s.apiserver.context import RequestContext
from cloudk8s.errors import BadRequest, Timeout
from cloudk8s.machinery.times import TimeError, parse_duration

LONGEST: Final = 60.0
"""Seconds."""
LONG: Final = frozenset({"attach", "exec", "log", "portforward", "proxy"})
"""Subresources whose requests may go on for ever."""


def patience(context: RequestContext, verb: str) -> float | None:
    """Seconds that a request may take, None for ever; BadRequest if its `timeout` is no duration."""
    info = context.info
    if info.is_resource and (info.subresource in LONG or verb == "watch"):
        return None
    text = context.query.get("timeout") if "timeout" in context.query else ""
    if not text:
        return LONGEST
    try:
        wanted = parse_duration(text).total_seconds()
    except TimeError as problem:
        raise BadRequest(f"invalid timeout specified in the request URL - {problem}") from None
    return min(wanted, LONGEST) if wanted > 0 else LONGEST


def overdue() -> Timeout:
    return Timeout("Timeout: request did not complete within requested timeout - context deadline exceeded")
