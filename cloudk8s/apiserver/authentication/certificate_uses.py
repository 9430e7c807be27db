"""How often client certificates were used, and how long they were still good for, for alerts before they expire.

A request costs one addition; what remains of a certificate is worked out when somebody asks.
"""

from __future__ import annotations

from typing import Final

from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.instruments import Histogram

_HOUR, _DAY = 3600.0, 86400.0
_BOUNDS: Final = (
    0.0, 0.5 * _HOUR, _HOUR, 2 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 30 * _DAY,
    90 * _DAY, 180 * _DAY, 360 * _DAY,
)  # fmt: skip
"""Upstream's bounds."""


class CertificateUse:
    """The requests that came with one certificate and have not been told of yet."""

    __slots__ = ("expires", "number")

    def __init__(self, expires: float) -> None:
        self.expires = expires
        self.number = 0


class CertificateUses:
    """All certificates that were seen; one that has expired is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uses: dict[bytes, CertificateUse] = {}
        self._remaining = Histogram(
            "apiserver_client_certificate_expiration_seconds",
            "How long the client certificates of requests were still good for, in seconds.",
            _BOUNDS,
        )

    def of(self, certificate: bytes, expires: float) -> CertificateUse:
        """The use of a DER certificate; `expires` in seconds since the epoch."""
        return self._uses.setdefault(certificate, CertificateUse(expires))

    def told(self) -> Histogram:
        """What was noted up to now."""
        now, series = self._clock.now().timestamp(), self._remaining.of()
        for certificate, use in list(self._uses.items()):
            series.observe(use.expires - now, times=use.number)
            use.number = 0
            if use.expires < now:
                del self._uses[certificate]
        return self._remaining
