"""Which handler a request on a resource goes to; 404 and 405 where there is none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cloudk8s.api.catalog import is_built_in
from cloudk8s.api.custom.resource import CustomResource
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers import reading, writing
from cloudk8s.apiserver.http.interface import Answer, Request, Response
from cloudk8s.apiserver.presenting import Presenter
from cloudk8s.apiserver.protobuf_answers import check_has_protobuf
from cloudk8s.apiserver.subresources.interface import GroupHandler, SubresourceHandler, VirtualHandler
from cloudk8s.errors import MethodNotAllowed

Outcome = Answer | Awaitable[Answer]
Read = Callable[[Core, Presenter, RequestContext, ResourceType], Outcome]
Write = Callable[[Core, Presenter, RequestContext, ResourceType, bytes], Outcome]

_OBJECT_VERBS: Final = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_COLLECTION_VERBS: Final = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_LOOKS: Final = frozenset({"get", "list", "watch", "update", "patch", "delete", "deletecollection"})
"""Verbs whose answer depends on what is stored already."""
_SUBRESOURCE_VERBS: Final = {**_OBJECT_VERBS, "POST": "create"}
PROXY: Final = "proxy"
"""The subresource that takes all methods, and hands them on."""
_WRITERS: Final[Mapping[str, Write]] = {
    "create": writing.post,
    "update": writing.put,
    "patch": writing.patch_object,
    "delete": writing.delete_object,
    "deletecollection": writing.delete_collection,
}


def verb_of(context: RequestContext, method: str) -> str:
    """The authorization verb of a request on a resource; the method in lower case where it has none."""
    info = context.info
    if info.subresource:
        if method == "HEAD" and info.subresource == PROXY:
            return "get"
        return _SUBRESOURCE_VERBS.get(method, method.lower())
    if info.name and not info.is_watch:
        return _SUBRESOURCE_VERBS.get(method, method.lower())
    if method == "GET" and (info.is_watch or context.query.flag("watch")):
        return "watch"
    return _COLLECTION_VERBS.get(method, method.lower())


class Dispatcher:
    """Sends requests on resources to verbs, subresources and virtual resources."""

    def __init__(
        self,
        core: Core,
        presenter: Presenter,
        *,
        subresources: Mapping[tuple[str, str, str], SubresourceHandler],
        default_subresources: Mapping[str, SubresourceHandler],
        virtual: Mapping[tuple[str, str], VirtualHandler],
    ) -> None:
        self._core = core
        self._presenter = presenter
        self._subresources = subresources
        self._default_subresources = default_subresources
        self._virtual = dict(virtual)
        self._delegates: dict[str, GroupHandler] = {}

    def add_virtual(self, resource: ResourceType, handler: VirtualHandler) -> None:
        """Let `handler` answer requests on a resource that stores nothing."""
        self._virtual[resource.group, resource.plural] = handler

    def delegate(self, group: str, handler: GroupHandler) -> None:
        """Let `handler` answer everything in a group, whatever its resources are called."""
        self._delegates[group] = handler

    @property
    def registry(self) -> Registry:
        """What is served."""
        return self._core.registry

    def dispatch(self, context: RequestContext, request: Request, verb: str) -> Outcome:
        """Answer a request on a resource that was authorized as `verb`."""
        store = self._core.store
        if store.is_shared and verb in _LOOKS and _wants_newest(context, store.revision):
            return self._newest(context, request, verb)
        return self._dispatch(context, request, verb)

    async def _newest(self, context: RequestContext, request: Request, verb: str) -> Answer:
        """Answer once everything is seen that any server had acknowledged when the request came."""
        await self._core.store.current_revision()
        outcome = self._dispatch(context, request, verb)
        if isinstance(outcome, Awaitable):
            return await outcome
        return outcome

    def _dispatch(self, context: RequestContext, request: Request, verb: str) -> Outcome:
        info = context.info
        if info.group in self._delegates:
            return self._delegates[info.group].handle(context, request, verb)
        resource = self._find(context)
        if resource is None:
            return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
        if resource.deprecation_warning and (info.subresource or verb in resource.verbs):
            context.warn(resource.deprecation_warning)
        if isinstance(resource, CustomResource):
            _check_custom(context, resource, verb)
            check_has_protobuf(context, resource)
        if info.subresource:
            return self._subresource(context, request, resource, verb)
        if resource.is_virtual:
            handler = self._virtual.get((resource.group, resource.plural))
            if handler is None or verb not in resource.verbs:
                raise failures.method_not_allowed()
            return handler.handle(context, request, resource, verb)
        if not self._allows(resource, context, request.method, verb):
            raise failures.method_not_allowed()
        if verb == "get":
            return reading.get(self._core, self._presenter, context, resource)
        if verb in ("list", "watch"):
            return reading.list_or_watch(self._core, self._presenter, context, resource)
        return _WRITERS[verb](self._core, self._presenter, context, resource, request.body)

    def _find(self, context: RequestContext) -> ResourceType | None:
        """The resource; None in groups that only definitions could make, where nothing at all is known."""
        info = context.info
        resource = self._core.registry.lookup(info.group, info.version, info.resource)
        if resource is None:
            if info.group and not is_built_in(info.group):
                return None
            raise failures.no_such_path()
        in_namespace = bool(info.url_namespace)
        if in_namespace and not resource.namespaced:
            raise failures.no_such_path()
        if resource.namespaced and not in_namespace and info.name and not info.is_watch:
            raise failures.no_such_path()
        return resource

    @staticmethod
    def _allows(resource: ResourceType, context: RequestContext, method: str, verb: str) -> bool:
        """Whether the resource has this verb at this place (an object, a collection, all namespaces)."""
        info = context.info
        if verb not in resource.verbs:
            return False
        if info.name and not info.is_watch:
            return method in _OBJECT_VERBS
        if method not in _COLLECTION_VERBS:
            return False
        everywhere = resource.namespaced and not info.url_namespace
        return not (everywhere and verb in ("create", "deletecollection"))

    def _subresource(self, context: RequestContext, request: Request, resource: ResourceType, verb: str) -> Outcome:
        info = context.info
        declared = resource.subresources.get(info.subresource)
        if declared is None and resource.custom is not None:
            raise failures.not_found(resource, info.name)
        if declared is None:
            raise failures.no_such_path()
        if verb not in declared.verbs and not (info.subresource == PROXY and request.method == "OPTIONS"):
            raise failures.method_not_allowed()
        handler = self._subresources.get((resource.group, resource.plural, info.subresource))
        handler = handler or self._default_subresources.get(info.subresource)
        if handler is None:
            raise failures.no_such_path()
        return handler.handle(context, request, resource, verb)


def _wants_newest(context: RequestContext, revision: int) -> bool:
    """Whether the state that is held here may not be enough: none is named, or one that is not here yet.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    query = context.query
    version = query.get("resourceVersion")
    if not version:
        return not query.get("continue")
    return version.isdecimal() and int(version) > revision


def _check_custom(context: RequestContext, resource: CustomResource, verb: str) -> None:
    """Refuse new objects while the definition goes."""
    if verb == "create" and not context.info.subresource and resource.is_terminating:
        message = "create not allowed while custom resource definition is terminating"
        raise MethodNotAllowed(message, details={"group": resource.group, "kind": resource.plural})
