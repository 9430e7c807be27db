"""What a client of an API server counts, under upstream's names.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from typing import Final

from cloudk8s.machinery.instruments import Instruments

SECONDS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
FAILED: Final = "<error>"
"""In place of a code, where there was no answer."""


class RequestMetrics:
    """Requests to one host."""

    def __init__(self, instruments: Instruments, host: str) -> None:
        self._host = host
        self._total = instruments.counter(
            "rest_client_requests_total",
            "Number of HTTP requests, partitioned by status code, method, and host.",
            ("code", "host", "method"),
        )
        labels = ("host", "verb")
        self._answered = instruments.histogram(
            "rest_client_request_duration_seconds",
            "Request latency in seconds. Broken down by verb, and host.",
            SECONDS,
            labels,
        )
        self._limited = instruments.histogram(
            "rest_client_rate_limiter_duration_seconds",
            "Client side rate limiter latency in seconds. Broken down by verb, and host.",
            SECONDS,
            labels,
        )

    def limited(self, method: str, seconds: float) -> None:
        """The request waited so long for its turn."""
        self._limited.of(self._host, method).observe(seconds)

    def answered(self, method: str, code: str, seconds: float) -> None:
        """The head of an answer came, or nothing did."""
        self._total.add(code, self._host, method)
        self._answered.of(self._host, method).observe(seconds)
