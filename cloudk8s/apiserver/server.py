"""The API server as one handler: authenticate, authorize, dispatch, and answer failures as `metav1.Status`.

    request → RequestInfo → user → allowed? → resource verb │ subresource │ path → answer

Everything up to the answer of a GET happens in one loop turn, without a task.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import uuid
from collections.abc import Awaitable
from time import perf_counter
from typing import TYPE_CHECKING, Final

from cloudk8s.apiserver.context import Query, RequestContext
from cloudk8s.apiserver.dispatch import Dispatcher, verb_of
from cloudk8s.apiserver.flow_control.control import FlowControl
from cloudk8s.apiserver.http.interface import Answer, Request, Response, Stream
from cloudk8s.apiserver.negotiation import YAML
from cloudk8s.apiserver.patience import LONG, Deadlines, overdue, patience
from cloudk8s.apiserver.pretty import prettily, wants_pretty
from cloudk8s.apiserver.protobuf_answers import in_protobuf, wants_protobuf
from cloudk8s.apiserver.request_info import parse_path
from cloudk8s.apiserver.security import attributes_of, path_attributes
from cloudk8s.errors import InternalError, StatusError
from cloudk8s.machinery import codec, yaml_codec

if TYPE_CHECKING:
    from cloudk8s.apiserver.audit.trail import AuditTrail
    from cloudk8s.apiserver.authorization.interface import Attributes
    from cloudk8s.apiserver.metrics.requests import Labels, RequestMetrics
    from cloudk8s.apiserver.paths import Paths
    from cloudk8s.apiserver.security import Security

_log = logging.getLogger(__name__)
_SWITCHING: Final = 101


class ApiServer:
    """Answers every request; it never raises."""

    def __init__(
        self,
        *,
        dispatcher: Dispatcher,
        paths: Paths,
        security: Security,
        metrics: RequestMetrics,
        audit: AuditTrail | None = None,
        flow_control: FlowControl | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._paths = paths
        self._security = security
        self._metrics = metrics
        self._audit = audit
        self._flow_control = flow_control or FlowControl()
        self._deadlines = Deadlines()

    def handle(self, request: Request) -> Answer | Awaitable[Answer]:
        """Answer a request, at once where nothing has to be waited for."""
        started = perf_counter()
        context: RequestContext | None = None
        try:
            context = self._context(request)
            outcome = self._route(context, request)
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer
            return self._concluded(_failed(error, request), context, request, started)
        if inspect.isawaitable(outcome):
            return self._finish(outcome, context, request, started)
        assert not isinstance(outcome, Awaitable)
        return self._concluded(outcome, context, request, started)

    async def _finish(
        self, outcome: Awaitable[Answer], context: RequestContext, request: Request, started: float
    ) -> Answer:
        self._metrics.began(request, 1)
        flow, is_seated = context.flow, False
        task = asyncio.current_task()
        assert task is not None
        try:
            if flow is not None:
                if not flow.level.take():
                    await flow.wait()
                is_seated = True
                flow.tally.executing += 1
            if context.patience is not None:
                self._deadlines.begin(task, context.patience)
            answer = await outcome
        except asyncio.CancelledError:
            if not self._deadlines.end(task) or task.uncancel():
                raise
            answer = _failed(overdue(), request)
        except Exception as error:  # noqa: BLE001 - every failure becomes an answer
            answer = _failed(error, request)
            if flow is not None and not is_seated:
                self._metrics.refused(context, request, answer.status)
        finally:
            self._deadlines.end(task)
            self._metrics.began(request, -1)
            if flow is not None and is_seated:
                flow.tally.executing -= 1
                flow.level.release()
            if inspect.iscoroutine(outcome):
                outcome.close()  # one that never got a seat was never started
        return self._concluded(answer, context, request, started)

    def _context(self, request: Request) -> RequestContext:
        info = parse_path(request.path)
        user = self._security.authenticate(request, info)
        context = RequestContext(user, info, Query(request.query), request.headers)
        if self._audit is not None:
            context.audit = self._audit.begin(request, _attributes(context, request.method))
        return context

    def _route(self, context: RequestContext, request: Request) -> Answer | Awaitable[Answer]:
        info = context.info
        verb = verb_of(context, request.method) if info.is_resource else request.method.lower()
        context.patience = patience(context, verb)
        if not (info.is_resource and info.subresource in LONG):
            flow = context.flow = self._flow_control.classify(context.user, verb, info)
            flow.tally.dispatched += 1
            if flow.level.is_closed:
                context.verb = verb if info.is_resource else ""
                return self._answer_later(context, request, verb)
        return self._answer(context, request, verb)

    def _answer(self, context: RequestContext, request: Request, verb: str) -> Answer | Awaitable[Answer]:
        if not context.info.is_resource:
            self._security.authorize_path(context, request.method)
            return self._paths.answer(context, request)
        context.verb = verb
        self._security.authorize(context, verb)
        return self._dispatcher.dispatch(context, request, verb)

    async def _answer_later(self, context: RequestContext, request: Request, verb: str) -> Answer:
        """Answer once there is a seat: at a level that has none, nothing is answered at once."""
        outcome = self._answer(context, request, verb)
        if inspect.isawaitable(outcome):
            return await outcome
        assert not isinstance(outcome, Awaitable)
        return outcome

    def _concluded(self, answer: Answer, context: RequestContext | None, request: Request, started: float) -> Answer:
        """The answer with its warnings; counted, and written down where the request is audited."""
        if context is None:
            return answer
        if isinstance(answer, Response):
            if "protobuf" in request.headers.get("accept", "") and wants_protobuf(context):
                answer = in_protobuf(answer, self._dispatcher.registry)
            elif (context.info.is_resource or answer.status >= 400) and wants_pretty(context):
                answer = prettily(answer)
            if context.warnings:
                lines = [("Warning", f'299 - "{_escaped(text)}"') for text in context.warnings]
                answer.headers = [*answer.headers, *lines]
            if context.flow is not None:
                answer.flow = context.flow.head
            self._metrics.observe(context, request, answer.status, perf_counter() - started)
        elif isinstance(answer, Stream):
            if context.flow is not None:
                answer.headers = [*answer.headers, *context.flow.headers]
            self._follow(answer, context, request, started)
        else:
            self._metrics.observe(context, request, _SWITCHING, perf_counter() - started)
        return answer if context.audit is None else context.audit.conclude(answer)

    def _follow(self, answer: Stream, context: RequestContext, request: Request, started: float) -> None:
        """Count a stream once it has ended."""
        labels = self._metrics.stream_began(context, request)
        answer.stop = _Counted(self._metrics, labels, answer, started)
        if context.verb == "watch":
            request.headers.clear()  # a token is a kilobyte, and nobody looks at it while the watch goes on
            request.connection.memo.clear()


class _Counted:
    """An open stream, of which thousands are held: it keeps what is counted at its end, and not its request."""

    __slots__ = ("_code", "_labels", "_metrics", "_started", "_stop")

    def __init__(self, metrics: RequestMetrics, labels: Labels, answer: Stream, started: float) -> None:
        self._metrics = metrics
        self._labels = labels
        self._code = answer.status
        self._started = started
        self._stop = answer.stop

    def __call__(self) -> None:
        self._metrics.stream_ended(self._labels, self._code, perf_counter() - self._started)
        self._stop()


def _attributes(context: RequestContext, method: str) -> Attributes:
    if context.info.is_resource:
        return attributes_of(context, verb_of(context, method))
    return path_attributes(context, method)


def _failed(error: Exception, request: Request) -> Response:
    """A failure as `metav1.Status`; one that nobody meant is logged and named by an id."""
    if isinstance(error, StatusError):
        return status_response(error, request.headers.get("accept", ""))
    reference = uuid.uuid4().hex[:12]
    _log.error("%s %s failed (%s)", request.method, request.path, reference, exc_info=error)
    return status_response(InternalError(f"Internal error occurred: {type(error).__name__} (reference {reference})"))


def status_response(error: StatusError, accept: str = "") -> Response:
    """A Status body with the status line and headers that belong to it."""
    status = error.status
    headers = []
    if error.retry_after is not None:
        headers.append(("Retry-After", str(max(1, round(error.retry_after.total_seconds())))))
    if accept.startswith(YAML):
        return Response(int(status["code"]), yaml_codec.encode(status), YAML, headers)
    return Response(int(status["code"]), codec.encode(status), headers=headers)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
