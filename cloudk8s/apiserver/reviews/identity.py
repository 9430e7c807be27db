"""SelfSubjectReview: who am I. TokenReview: whose token is this."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.authentication.bearer import BearerAuthenticator
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.errors import BadRequest, Unauthorized
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.times import format_time


class SelfSubjectReviews:
    """Answers who the requester is, after impersonation."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, context: RequestContext, review: Object) -> Object:
        metadata = review["metadata"] | {"creationTimestamp": format_time(self._clock.now())}
        return {"metadata": metadata, "status": {"userInfo": context.user.as_dict()}}


class TokenReviews:
    """Answers whether a token is good, and for whom."""

    def __init__(self, bearer: BearerAuthenticator) -> None:
        self._bearer = bearer

    def __call__(self, context: RequestContext, review: Object) -> Object:
        spec: dict[str, Any] = review.get("spec") or {}
        if not spec.get("token"):
            raise BadRequest("token is required for TokenReview in authentication")
        return review | {"spec": spec, "status": self._status(spec["token"], tuple(spec.get("audiences") or ()))}

    def _status(self, token: str, audiences: tuple[str, ...]) -> Object:
        try:
            verified = self._bearer.verify(token, audiences or self._bearer.api_audiences)
        except Unauthorized as error:
            return {"user": {}, "error": error.message}
        status: Object = {"authenticated": True, "user": verified.user.as_dict()}
        return status | ({"audiences": list(verified.audiences)} if verified.audiences else {})
