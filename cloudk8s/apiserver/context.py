"""Who asks, for what, and how: one `RequestContext` for each request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from cloudk8s.apiserver.request_info import RequestInfo

if TYPE_CHECKING:
    from cloudk8s.apiserver.audit.trail import Trace
    from cloudk8s.apiserver.authentication import UserInfo
    from cloudk8s.apiserver.flow_control.control import Flow


class Query:
    """The query parameters of a request; of a repeated one the first counts, as in Go's `url.Values.Get`."""

    __slots__ = ("_values",)

    def __init__(self, raw: str) -> None:
        self._values: Mapping[str, list[str]] = parse_qs(raw, keep_blank_values=True) if raw else {}

    def get(self, name: str, default: str = "") -> str:
        values = self._values.get(name)
        return values[0] if values else default

    def all(self, name: str) -> list[str]:
        return list(self._values.get(name, ()))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def flag(self, name: str) -> bool:
        """Upstream's conversion of a query value to bool: absent, "0" and "false" are false."""
        values = self._values.get(name)
        return values is not None and values[0].lower() not in ("0", "false")

    def __bool__(self) -> bool:
        return bool(self._values)

    def having(self, name: str, value: str) -> Query:
        """The same parameters with another value of one."""
        query = Query("")
        query._values = {**self._values, name: [value]}
        return query


@dataclass(slots=True)
class RequestContext:
    """What operations and admission know of the request, beside the object."""

    user: UserInfo
    info: RequestInfo
    query: Query
    headers: Mapping[str, str]
    warnings: list[str] = field(default_factory=list)
    """Texts for `Warning: 299` headers, in order."""
    verb: str = ""
    """The authorization verb of a request on a resource, once it is known."""
    audit: Trace | None = None
    """The audit record of this request, None where there is none."""
    flow: Flow | None = None
    """How the request is treated when there are too many, once it is known; None for what goes on for ever."""
    patience: float | None = None
    """Seconds that the request may take, once it is known; None for what goes on for ever."""

    def warn(self, text: str) -> None:
        """Add a warning once."""
        if text not in self.warnings:
            self.warnings.append(text)

    @property
    def note(self) -> Callable[[str, str], None] | None:
        """Takes annotations for the audit record, key and value; None where there is no record."""
        return None if self.audit is None else self.audit.annotate

    @property
    def field_manager(self) -> str:
        """The `fieldManager` parameter, else what upstream derives from the User-Agent."""
        explicit = self.query.get("fieldManager")
        if explicit:
            return explicit
        agent = self.headers.get("user-agent", "").split("/", 1)[0]
        return agent[:128] if agent.isprintable() else ""

    @property
    def dry_run(self) -> bool:
        return "dryRun" in self.query and "All" in self.query.all("dryRun")
