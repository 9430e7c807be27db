"""`log`, `exec`, `attach` and `portforward` of pods: checked here, answered by the node's kubelet."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final
from urllib.parse import quote, urlencode

from cloudk8s.api.field_errors import FieldError, forbidden, invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionRequest
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.http.interface import Answer, Request, Response
from cloudk8s.apiserver.relay.kubelet import Kubelets
from cloudk8s.apiserver.relay.passing import pass_on
from cloudk8s.apiserver.streaming.upgrade import is_websocket
from cloudk8s.errors import BadRequest

_DEFAULT: Final = "kubectl.kubernetes.io/default-container"
_NUMBERS: Final = ("tailLines", "limitBytes", "sinceSeconds")
_LOG_OPTIONS: Final = (
    "follow",
    "previous",
    "sinceSeconds",
    "sinceTime",
    "timestamps",
    "tailLines",
    "limitBytes",
    "stream",
)


class PodStreamHandler:
    """One of the four; `kind` is the subresource's name."""

    def __init__(self, core: Core, kubelets: Kubelets, kind: str) -> None:
        self._core = core
        self._kubelets = kubelets
        self._kind = kind

    def handle(
        self, context: RequestContext, request: Request, resource: ResourceType, verb: str
    ) -> Answer | Awaitable[Answer]:
        """Check, and pass on."""
        return self._handle(context, request, resource)

    async def _handle(self, context: RequestContext, request: Request, resource: ResourceType) -> Answer:
        info = context.info
        pod = self._core.find("", "pods", info.name, info.namespace)
        if pod is None:
            raise failures.not_found(resource, info.name)
        if self._kind == "log":
            return await self._log(context, request, pod)
        await self._admit(context, resource)
        node = pod["spec"].get("nodeName", "")
        if not node:
            raise BadRequest(f"pod {info.name} does not have a host assigned")
        return await pass_on(request, self._kubelets.of(node), self._path(context, pod))

    async def _admit(self, context: RequestContext, resource: ResourceType) -> None:
        info, query = context.info, context.query
        options: Object = {"kind": f"Pod{self._kind.capitalize()}Options", "apiVersion": "v1"}
        options |= {"container": query.get("container"), "command": query.all("command")}
        admission = AdmissionRequest(
            "CONNECT", resource, self._kind, info.namespace, info.name, options, None, context.user, False, {},
            context.warn, [], [],
        )  # fmt: skip
        await self._core.admission.admit(admission)
        await self._core.admission.validate(admission)

    async def _log(self, context: RequestContext, request: Request, pod: Object) -> Answer:
        query, name = context.query, context.info.name
        _check_log_options(context)
        container = _container(pod, query.get("container"), "log")
        node = pod["spec"].get("nodeName", "")
        if not node:
            return Response(204, b"", "")
        namespace = context.info.namespace
        options = {key: query.get(key) for key in _LOG_OPTIONS if query.get(key)}
        path = f"/containerLogs/{quote(namespace)}/{quote(name)}/{quote(container)}?{urlencode(options)}"
        if not is_websocket(request.headers):
            return await pass_on(request, self._kubelets.of(node), path)
        from cloudk8s.apiserver.streaming import framed

        answer = await pass_on(_without_upgrade(request), self._kubelets.of(node), path)
        return framed.log_in_messages(answer, request.headers)

    def _path(self, context: RequestContext, pod: Object) -> str:
        info, query = context.info, context.query
        place = f"{quote(info.namespace)}/{quote(info.name)}"
        if self._kind == "portforward":
            ports = [("port", port) for port in query.all("ports")] + [("port", port) for port in query.all("port")]
            return f"/portForward/{place}" + (f"?{urlencode(ports)}" if ports else "")
        container = _container(pod, query.get("container"), self._kind)
        pairs = [("command", word) for word in query.all("command")]
        for ours, theirs in (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")):
            if query.flag(ours):
                pairs.append((theirs, "1"))
        return f"/{self._kind}/{place}/{quote(container)}?{urlencode(pairs)}"


def _without_upgrade(request: Request) -> Request:
    """The same request for the kubelet, which answers over plain HTTP."""
    kept = {name: value for name, value in request.headers.items() if not name.startswith("sec-websocket-")}
    kept.pop("upgrade")
    return Request(request.method, request.target, kept, request.body, request.connection)


def _container(pod: Object, wanted: str, kind: str) -> str:
    """The container that is meant; BadRequest in upstream's words where that is not clear."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    main = [item["name"] for item in spec.get("containers") or []]
    others = [item["name"] for key in ("initContainers", "ephemeralContainers") for item in spec.get(key) or []]
    if wanted:
        if wanted not in main and wanted not in others:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    annotated = (pod["metadata"].get("annotations") or {}).get(_DEFAULT)
    if annotated in main:
        return str(annotated)
    if len(main) == 1 or (kind != "log" and main):
        return str(main[0])
    choices = f"choose one of: [{' '.join(main)}]"
    inits = [item["name"] for item in spec.get("initContainers") or []]
    more = f" or one of the init containers: [{' '.join(inits)}]" if inits else ""
    raise BadRequest(f"a container name must be specified for pod {name}, {choices}{more}")


def _check_log_options(context: RequestContext) -> None:
    errors: list[FieldError] = []
    if context.query.get("sinceSeconds") and context.query.get("sinceTime"):
        errors.append(forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"))
    for name in _NUMBERS:
        text: Any = context.query.get(name)
        if not text:
            continue
        try:
            number = int(text)
        except ValueError:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
        low = 0 if name == "tailLines" else 1
        if number < low:
            word = "must be greater than or equal to 0" if low == 0 else "must be greater than 0"
            errors.append(invalid(name, number, word))
    if errors:
        raise failures.invalid("PodLogOptions", "", context.info.name, errors)
