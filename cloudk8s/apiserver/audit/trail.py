"""From a request and its answer to events."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from cloudk8s.apiserver.audit.level import Stage
from cloudk8s.apiserver.audit.policy import Policy, Verdict
from cloudk8s.apiserver.authorization.interface import Attributes, Decision
from cloudk8s.apiserver.http.interface import Answer, Hijack, Request, Response, Stream, joined
from cloudk8s.machinery import codec
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_micro_time

Object = dict[str, Any]


class AuditTrail:
    """Begins the record of each request that the policy is about."""

    def __init__(self, policy: Policy, write: Callable[[bytes], None], *, clock: Clock) -> None:
        self._policy = policy
        self._write = write
        self._clock = clock

    def begin(self, request: Request, attributes: Attributes) -> Trace | None:
        """Record that a request came in; None where the policy does not care."""
        verdict = self._policy.verdict(attributes)
        if verdict.level == "None":
            return None
        trace = Trace(self._emit, verdict, request, attributes, self._now())
        trace.emit("RequestReceived")
        return trace

    def _emit(self, event: Object) -> None:
        self._write(codec.encode(event | {"stageTimestamp": self._now()}))

    def _now(self) -> str:
        return format_micro_time(self._clock.now())


class Trace:
    """The record of one request."""

    __slots__ = ("_annotations", "_event", "_request", "_verdict", "_write")

    def __init__(
        self, write: Callable[[Object], None], verdict: Verdict, request: Request, attributes: Attributes, now: str
    ) -> None:
        self._write = write
        self._verdict = verdict
        self._request = request
        self._annotations: dict[str, str] = {}
        self._event: Object = _event(request, attributes) | {"level": verdict.level, "requestReceivedTimestamp": now}

    def decided(self, decision: Decision) -> None:
        """Note what authorization said."""
        verdict = "allow" if decision.is_allowed else "forbid"
        self._annotations["authorization.k8s.io/decision"] = verdict
        self._annotations["authorization.k8s.io/reason"] = decision.reason

    def annotate(self, key: str, value: str) -> None:
        """Note something else, for instance of an admission plugin."""
        self._annotations[key] = value

    def conclude(self, answer: Answer) -> Answer:
        """Record the answer; that of a stream once it has ended. Returns what to answer with."""
        if isinstance(answer, Stream):
            self.emit("ResponseStarted", _status(answer.status, None))
            return self._watched(answer)
        if isinstance(answer, Hijack):
            self.emit("ResponseStarted", _status(101, None))
            return answer
        body = self._decoded(answer) if self._verdict.level == "RequestResponse" or answer.status >= 400 else None
        fields = _status(answer.status, body)
        if self._verdict.level == "RequestResponse" and body is not None:
            fields["responseObject"] = self._trimmed(body)
        self.emit("ResponseComplete", fields)
        return answer

    def emit(self, stage: Stage, fields: Object | None = None) -> None:
        """Write one event."""
        if stage in self._verdict.omit_stages:
            return
        event = self._event | {"stage": stage} | (fields or {})
        if stage != "RequestReceived" and self._verdict.level in ("Request", "RequestResponse"):
            sent = _decoded(self._request.body)
            if sent is not None:
                event["requestObject"] = self._trimmed(sent)
        if self._annotations:
            event["annotations"] = dict(self._annotations)
        self._write(event)

    def _watched(self, stream: Stream) -> Stream:
        stop = stream.stop

        def stopped() -> None:
            stop()
            self.emit("ResponseComplete", _status(stream.status, None))

        return Stream(stream.start, stopped, stream.content_type, stream.headers, stream.status)

    def _decoded(self, answer: Response) -> Any:
        return _decoded(joined(answer.body)) if "json" in answer.content_type else None

    def _trimmed(self, obj: Any) -> Any:
        if not self._verdict.omit_managed_fields or not isinstance(obj, dict):
            return obj
        trimmed = dict(obj)
        if isinstance(obj.get("metadata"), dict):
            trimmed["metadata"] = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        if isinstance(obj.get("items"), list):
            trimmed["items"] = [self._trimmed(item) for item in obj["items"]]
        return trimmed


def _event(request: Request, attributes: Attributes) -> Object:
    user = attributes.user
    event: Object = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "",
        "auditID": _audit_id(request),
        "stage": "",
        "requestURI": request.target,
        "verb": attributes.verb,
        "user": (user.requester or user).as_dict(),
        "sourceIPs": _sources(request),
        "userAgent": request.headers.get("user-agent", ""),
    }
    if user.requester is not None:
        event["impersonatedUser"] = user.as_dict()
    if attributes.resource:
        event["objectRef"] = _reference(attributes)
    return event


def _reference(attributes: Attributes) -> Object:
    fields = {
        "resource": attributes.resource,
        "namespace": attributes.namespace,
        "name": attributes.name,
        "apiGroup": attributes.group,
        "apiVersion": attributes.version,
        "subresource": attributes.subresource,
    }
    return {key: value for key, value in fields.items() if value}


def _audit_id(request: Request) -> str:
    given = request.headers.get("audit-id", "")
    return given if 0 < len(given) <= 64 else str(uuid.uuid4())


def _sources(request: Request) -> list[str]:
    forwarded = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    real = request.headers.get("x-real-ip", "")
    found = [*forwarded, *([real] if real else []), request.connection.remote]
    return list(dict.fromkeys(found))


def _status(code: int, body: Any) -> Object:
    status: Object = {"metadata": {}, "code": code}
    if isinstance(body, dict) and body.get("kind") == "Status":
        status |= {key: body[key] for key in ("status", "message", "reason", "details") if key in body}
    return {"responseStatus": status}


def _decoded(body: bytes) -> Any:
    try:
        return codec.decode(body) if body else None
    except codec.DecodeError:
        return None
