"""One request and what is needed to answer it."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.errors import InternalError, StatusError
from cloudk8s.machinery.codec import encode


@dataclass(slots=True)
class Exchange:
    """A request on its way to its answer; without a request, an error that ends the connection."""

    request: Request | None
    keep_alive: bool = True
    http10: bool = False
    upgrade_rest: bytes | None = None
    """What followed a request that asks for another protocol; None for any other."""
    refusal: StatusError | None = None


def error_response(error: StatusError) -> Response:
    """The answer that an error stands for."""
    status = error.status
    headers = [("Retry-After", str(status["details"]["retryAfterSeconds"]))] if error.retry_after else []
    return Response(error.code, encode(status), headers=headers)


def handler_failed(request: Request) -> StatusError:
    """What a client is told of an exception that nobody meant: nothing."""
    return InternalError(f'Internal Server Error: "{request.target}"')
