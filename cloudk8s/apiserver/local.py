"""The API server called from inside its process: same authorization and admission, no socket, shared trees."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.authentication import UserInfo
from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.dispatch import verb_of
from cloudk8s.apiserver.failures import not_found
from cloudk8s.apiserver.handlers.watching import too_old
from cloudk8s.apiserver.http import interface
from cloudk8s.apiserver.http.interface import Answer, Request, Response
from cloudk8s.apiserver.operations import watching
from cloudk8s.apiserver.operations.listing import PageRequest, read_page
from cloudk8s.apiserver.operations.selection import select
from cloudk8s.apiserver.operations.watching import Change, WatchRequest
from cloudk8s.apiserver.presenting import Presenter
from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.apiserver.security import Security
from cloudk8s.apiserver.server import ApiServer
from cloudk8s.errors import NotFound, status_error
from cloudk8s.machinery import codec
from cloudk8s.storage.interface import Compacted, FutureRevision, Subscription


class LocalConnection:
    """Stands for the connection of a component in the same process, already authenticated."""

    peer_certificate = None
    remote = "127.0.0.1"

    def __init__(self, user: UserInfo) -> None:
        self.user = user
        self.memo: dict[str, object] = {}


class LocalApi:
    """One identity's view of the server. Trees that come out are shared and read-only."""

    def __init__(
        self, server: ApiServer, core: Core, presenter: Presenter, security: Security, user: UserInfo, agent: str
    ) -> None:
        self._server = server
        self._core = core
        self._presenter = presenter
        self._security = security
        self._connection = LocalConnection(user)
        self._agent = agent

    async def call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:  # fmt: skip
        """Send a request through the whole pipeline; raises the StatusError of a refusal."""
        target = f"{path}?{urlencode(query)}" if query else path
        data = b"" if body is None else body if isinstance(body, bytes) else codec.encode(body)
        lower = {"user-agent": self._agent, "content-type": "application/json"}
        lower |= {name.lower(): value for name, value in (headers or {}).items()}
        answer: Any = self._server.handle(Request(method, target, lower, data, self._connection))
        if inspect.isawaitable(answer):
            answer = await answer
        response: Answer = answer
        if not isinstance(response, Response):
            raise TypeError(f"{method} {path} does not answer with a document")
        if response.status >= 400:
            raise status_error(_status(response))
        return response

    @property
    def is_shared(self) -> bool:
        """Other servers write to the store, too: await `newest` before what has to be of the newest state."""
        return self._core.store.is_shared

    async def newest(self) -> None:
        """Return once everything is seen here that any server has acknowledged by now."""
        await self._core.store.current_revision()

    def get(self, path: str) -> Object:
        """Read one object without encoding it."""
        context, resource = self._begin("GET", path, Query(""))
        record = self._core.store.get(resource.key(context.info.namespace, context.info.name))
        if record is None:
            raise not_found(resource, context.info.name)
        return self._presenter.tree(resource, record)

    def list(
        self, path: str, *, label_selector: str = "", field_selector: str = "", limit: int = 0, token: str = ""
    ) -> tuple[Sequence[Object], int, str, int | None]:
        """Items, revision, continue token, how many remain."""
        context, resource = self._begin("GET", path, Query(""))
        selection = select(self._core, resource, label_selector, field_selector)
        namespace = context.info.url_namespace
        page = read_page(self._core, resource, namespace, selection, PageRequest(limit, token))
        trees = [self._presenter.tree(resource, record) for record in page.records]
        return trees, page.revision, page.continue_token, page.remaining

    def watch(
        self, path: str, on_change: Callable[[str, Object, int], None], *, label_selector: str = "",
        field_selector: str = "", after: int | None = None, initial: bool = False,
    ) -> tuple[Subscription, int]:  # fmt: skip
        """Call `on_change(type, object, revision)` for every change; returns the watch and the revision it began at."""
        context, resource = self._begin("GET", path, Query("watch=1"))
        selection = select(self._core, resource, label_selector, field_selector)

        def sink(changes: Sequence[Change], revision: int) -> None:
            for kind, record, _ in changes:
                on_change(kind, self._presenter.tree(resource, record), record.revision)

        request = WatchRequest(after, initial)
        try:
            namespace = context.info.url_namespace
            subscription = watching.watch(self._core, resource, namespace, selection, request, sink)
        except (Compacted, FutureRevision) as error:
            raise too_old(error) from None
        return subscription, self._core.store.revision

    def _begin(self, method: str, path: str, query: Query) -> tuple[RequestContext, ResourceType]:
        info = parse_path(path)
        context = RequestContext(self._connection.user, info, query, {"user-agent": self._agent})
        self._security.authorize(context, verb_of(context, method))
        resource = self._core.registry.lookup(info.group, info.version, info.resource)
        if resource is None:
            raise NotFound("the server could not find the requested resource")
        return context, resource


def _status(response: Response) -> Mapping[str, Any]:
    """The Status of a refusal; paths that nothing is served at are refused in plain text."""
    body = joined(response)
    if response.content_type.startswith("application/json"):
        status: Mapping[str, Any] = codec.decode(body)
        return status
    return {"kind": "Status", "code": response.status, "message": body.decode("utf-8", "replace").strip()}


def joined(response: Response) -> bytes:
    """A response's body in one piece."""
    return interface.joined(response.body)
