"""Libcloud's exceptions become error classes. Drivers lose bodies and codes, so most of them stay transient."""

from __future__ import annotations

import ssl
from datetime import timedelta

from cloudk8s.plugin import CloudError, CloudForbidden, CloudNotFound, QuotaExceeded, RetryLater

BUSY_FOR = timedelta(seconds=10)


def cloud_error(error: Exception, operation: str) -> CloudError:
    """The error for whatever a driver raised."""
    from libcloud.common.exceptions import BaseHTTPError, RateLimitReachedError
    from libcloud.common.types import InvalidCredsError
    from libcloud.loadbalancer.types import LibcloudLBImmutableError

    text = f"{operation}: {type(error).__name__}: {getattr(error, 'message', '') or error}"
    if isinstance(error, InvalidCredsError):
        return CloudForbidden(text)
    if isinstance(error, LibcloudLBImmutableError):
        return RetryLater(BUSY_FOR, text)
    if isinstance(error, RateLimitReachedError):
        return RetryLater(timedelta(seconds=max(1.0, float(getattr(error, "retry_after", 0) or 0))), text)
    if isinstance(error, BaseHTTPError):
        return _by_code(int(error.code or 0), text)
    if isinstance(error, ssl.SSLError):
        return CloudForbidden(text)
    lowered = text.lower()
    if "quota" in lowered or "limitexceeded" in lowered:
        return QuotaExceeded(text)
    return CloudNotFound(text) if "notfound" in lowered else CloudError(text)


def _by_code(code: int, text: str) -> CloudError:
    if code in (401, 403):
        return QuotaExceeded(text) if "quota" in text.lower() else CloudForbidden(text)
    if code == 404:
        return CloudNotFound(text)
    return CloudError(text)
