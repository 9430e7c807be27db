"""AWS error codes become error classes: the class tells the core what to do."""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.plugin import CloudError, CloudForbidden, CloudNotFound, QuotaExceeded, RetryLater, Unsupported

THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"})
FORBIDDEN = frozenset({
    "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure", "InvalidClientTokenId",
    "ExpiredToken", "ExpiredTokenException", "OptInRequired", "UnrecognizedClientException", "OperationNotPermitted",
})  # fmt: skip
BUSY = frozenset({
    "DependencyViolation", "ResourceInUse", "IncorrectState", "IncorrectInstanceState", "VolumeInUse",
    "DeleteConflict", "AWS.SimpleQueueService.QueueDeletedRecently",
})  # fmt: skip
GONE = frozenset({
    "Gateway.NotAttached", "InvalidID", "WAFNonexistentItemException", "AWS.SimpleQueueService.NonExistentQueue",
})  # fmt: skip
BUSY_FOR = timedelta(seconds=10)


class TooFast(CloudError):
    """The API refuses calls that come so fast."""


class Taken(CloudError):
    """Something with this name, or this rule, is there already."""


def cloud_error(code: str, message: str, operation: str) -> CloudError:
    """The error for an AWS error code."""
    text = f"{operation}: {code}: {message}"
    if code in THROTTLED:
        return TooFast(text)
    if code in FORBIDDEN:
        return CloudForbidden(text)
    if code in BUSY:
        return RetryLater(BUSY_FOR, text)
    if code.startswith("Duplicate") or code.endswith(
        (".Duplicate", "AlreadyExists", "AlreadyExistsException", ".AlreadyAssociated")
    ):
        return Taken(text)
    if code.endswith(("NotFound", ".NotFound", "NotFoundException")) or code.startswith("NoSuch"):
        return CloudNotFound(text)
    if code in GONE:
        return CloudNotFound(text)
    if "LimitExceeded" in code or code.startswith("TooMany") or code.endswith("Exceeded"):
        return QuotaExceeded(text)
    if code in ("NotImplemented", "UnsupportedOperation", "UnsupportedProtocol"):
        return Unsupported(operation, text)
    return CloudError(text)
