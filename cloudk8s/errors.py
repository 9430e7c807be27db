"""The one error tree; the class tells the caller what to do.

CloudK8sError
├── UserError                the user's mistake: one line, exit code 2, no traceback
│   └── SettingsError        a setting or flag is wrong
│       └── FieldError       a field of a file is; who has read the file adds the line
├── StatusError              an API server answered with a `metav1.Status`; `reason` decides
│   ├── BadRequest  Unauthorized  Forbidden  NotFound  AlreadyExists  Conflict
│   ├── Expired (410)  Invalid (422)  TooManyRequests  Timeout  InternalError …
├── StorageError             the store cannot do its work (disk full, corrupt file, in use)
└── CloudError               raised by providers; see `cloudk8s.cloud.interface`
    ├── CloudNotFound  RetryLater(after)  Unsupported(field)  CloudForbidden  QuotaExceeded  Unanswered
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar


class CloudK8sError(Exception):
    """Anything this project raises on purpose."""


class UserError(CloudK8sError):
    """The user can put it right; the message is one line that says how."""


class SettingsError(UserError):
    """A setting or a flag has a value that cannot work."""


class FieldError(SettingsError):
    """A field of a file asks for what cannot be; `field` is its dotted name as it stands there."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class StorageError(CloudK8sError):
    """The store cannot do its work; nothing acknowledged is lost."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `Status.details.causes`; reasons are those of metav1.CauseType."""

    reason: str
    message: str
    field: str = ""

    def as_dict(self) -> dict[str, str]:
        cause = {"reason": self.reason, "message": self.message} if self.reason else {"message": self.message}
        return cause | {"field": self.field} if self.field else cause


class StatusError(CloudK8sError):
    """An answer of an API server other than success, in upstream's `metav1.Status` form."""

    code: ClassVar[int] = 500
    reason: ClassVar[str] = "InternalError"

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        causes: Sequence[Cause] = (),
        retry_after: timedelta | None = None,
        status: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.causes = tuple(causes)
        self.retry_after = retry_after
        self._status = status

    @property
    def status(self) -> dict[str, Any]:
        """The `metav1.Status` object; the received one where there is one."""
        if self._status is not None:
            return dict(self._status)
        details = dict(self.details)
        if self.causes:
            details["causes"] = [cause.as_dict() for cause in self.causes]
        if self.retry_after is not None:
            details["retryAfterSeconds"] = max(1, round(self.retry_after.total_seconds()))
        status: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        status["message"] = self.message
        if self.reason:
            status["reason"] = self.reason
        if details:
            status["details"] = details
        status["code"] = self.code
        return status


class BadRequest(StatusError):
    code, reason = 400, "BadRequest"


class Unauthorized(StatusError):
    code, reason = 401, "Unauthorized"


class Forbidden(StatusError):
    code, reason = 403, "Forbidden"


class NotFound(StatusError):
    code, reason = 404, "NotFound"


class MethodNotAllowed(StatusError):
    code, reason = 405, "MethodNotAllowed"


class NotAcceptable(StatusError):
    code, reason = 406, "NotAcceptable"


class AlreadyExists(StatusError):
    code, reason = 409, "AlreadyExists"


class Conflict(StatusError):
    code, reason = 409, "Conflict"


class Gone(StatusError):
    code, reason = 410, "Gone"


class Expired(StatusError):
    code, reason = 410, "Expired"


class RequestEntityTooLarge(StatusError):
    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(StatusError):
    code, reason = 415, "UnsupportedMediaType"


class Invalid(StatusError):
    code, reason = 422, "Invalid"


class TooManyRequests(StatusError):
    code, reason = 429, "TooManyRequests"


class InternalError(StatusError):
    code, reason = 500, "InternalError"


class ServiceUnavailable(StatusError):
    code, reason = 503, "ServiceUnavailable"


class Timeout(StatusError):
    code, reason = 504, "Timeout"


def status_error(status: Mapping[str, Any], *, retry_after: timedelta | None = None) -> StatusError:
    """The error class that a received `metav1.Status` stands for; by reason first, then by code."""
    code, reason = int(status.get("code") or 500), str(status.get("reason") or "")
    for kind in StatusError.__subclasses__():
        if kind.reason == reason:
            return kind(str(status.get("message", "")), retry_after=retry_after, status=status)
    for kind in StatusError.__subclasses__():
        if kind.code == code:
            return kind(str(status.get("message", "")), retry_after=retry_after, status=status)
    return StatusError(str(status.get("message", "")), retry_after=retry_after, status=status)


class CloudError(CloudK8sError):
    """A cloud said no. A plain CloudError is transient: the caller retries with backoff."""


class CloudNotFound(CloudError):
    """What was asked for is not there; for a delete that is success."""


@dataclass
class RetryLater(CloudError):
    """Work goes on in the cloud; ask again after `after`. Not a failure, no event."""

    after: timedelta
    message: str = "the cloud is still working"

    def __post_init__(self) -> None:
        super().__init__(self.message)


@dataclass
class Unsupported(CloudError):
    """The provider cannot do what `field` asks for; final until the object changes."""

    field: str
    message: str = ""

    def __post_init__(self) -> None:
        super().__init__(self.message or f"{self.field} is not supported by this provider")


class CloudForbidden(CloudError):
    """Credentials lack a permission; retrying soon will not help."""


class QuotaExceeded(CloudError):
    """A limit of the account is reached; retry late."""


class Unanswered(CloudError):
    """The answer was lost: whether the call took effect is not known, so look before calling again."""
