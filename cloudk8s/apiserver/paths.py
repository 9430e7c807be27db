"""URLs that are no resources: discovery, version, health, OpenAPI, metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.http.interface import Answer, Request

PathHandler = Callable[[RequestContext, Request], Answer | Awaitable[Answer] | None]
"""Answers a path, or None where it does not know it."""


class Paths:
    """Exact paths first, then the longest matching prefix; 404 and 405 otherwise."""

    def __init__(self) -> None:
        self._exact: dict[str, PathHandler] = {}
        self._any_method: set[str] = set()
        self._prefixes: list[tuple[str, PathHandler]] = []

    def add(self, path: str, handler: PathHandler, *, any_method: bool = False) -> None:
        """Answer one path (with or without a trailing slash); GET and HEAD, or whatever the method is."""
        self._exact[path] = handler
        if any_method:
            self._any_method.add(path)

    def add_prefix(self, prefix: str, handler: PathHandler) -> None:
        """Answer everything below a prefix that nothing exact answers."""
        self._prefixes.append((prefix, handler))
        self._prefixes.sort(key=lambda item: -len(item[0]))

    def answer(self, context: RequestContext, request: Request) -> Answer | Awaitable[Answer]:
        """Answer a request; nearly everything here knows GET and HEAD only."""
        path = context.info.path.rstrip("/") or "/"
        handler = self._exact.get(path)
        if handler and request.method not in ("GET", "HEAD") and path not in self._any_method:
            raise failures.method_not_allowed()
        found = handler(context, request) if handler else None
        if found is not None:
            return found
        for prefix, below in self._prefixes:
            if path.startswith(prefix):
                answer = below(context, request)
                if answer is not None:
                    return answer
        raise failures.no_such_path()

    @property
    def known(self) -> Mapping[str, PathHandler]:
        """The exact paths, for the list at `/`."""
        return self._exact
