"""`/healthz`, `/livez` and `/readyz` of a component: named checks, each of which can be asked for alone or left out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qs

from cloudk8s.apiserver import health_answer
from cloudk8s.apiserver.http.interface import Request, Response
from cloudk8s.machinery.exposition import Family

Check = Callable[[], str]
"""Says why it fails; nothing while it does not."""
Checks = Callable[[], Mapping[str, Check]]
"""The checks of an endpoint by name, in order."""
ENDPOINTS: Final = ("healthz", "livez", "readyz")

_log = logging.getLogger(__name__)


class Health:
    """The checks of the three endpoints; one without any of its own has upstream's `ping`, which always passes."""

    def __init__(self, **checks: Checks) -> None:
        self._checks = checks
        self._outcomes: dict[tuple[str, str], bool] = {}
        self._counts: Counter[tuple[str, str, bool]] = Counter()

    def answer(self, request: Request) -> Response | None:
        """The answer at the path; None if nothing is there."""
        endpoint, _, name = request.path.strip("/").partition("/")
        if endpoint not in ENDPOINTS:
            return None
        checks = self._of(endpoint)
        if name:
            return None if name not in checks else health_answer.of_one(has_failed=self._has_failed(endpoint, name))
        query = parse_qs(request.query, keep_blank_values=True)
        left_out = set(query.get("exclude", ()))
        failed = {name for name in checks if name not in left_out and self._has_failed(endpoint, name)}
        return health_answer.of_all(endpoint, tuple(checks), failed, left_out, is_verbose="verbose" in query)

    def paths(self) -> list[str]:
        """Every path that is answered."""
        found = [(f"/{endpoint}", [f"/{endpoint}/{name}" for name in self._of(endpoint)]) for endpoint in ENDPOINTS]
        return [path for whole, parts in found for path in (whole, *parts)]

    def families(self) -> tuple[Family, Family]:
        """What `/metrics/slis` shows: the checks as they are now, and how often they were asked."""
        for endpoint in ENDPOINTS:
            for name in self._of(endpoint):
                self._has_failed(endpoint, name)
        words = "This metric records the result of a single healthcheck."
        now = Family("kubernetes_healthcheck", "gauge", words, "STABLE")
        for (endpoint, name), failed in self._outcomes.items():
            now.add({"name": name, "type": endpoint}, not failed)
        words = "This metric records the results of all healthcheck."
        total = Family("kubernetes_healthchecks_total", "counter", words, "STABLE")
        for (endpoint, name, failed), count in self._counts.items():
            status = "error" if failed else "success"
            total.add({"name": name, "status": status, "type": endpoint}, count)
        return now, total

    def _of(self, endpoint: str) -> Mapping[str, Check]:
        given = self._checks.get(endpoint)
        return (given() if given is not None else {}) or {"ping": lambda: ""}

    def _has_failed(self, endpoint: str, name: str) -> bool:
        reason = self._of(endpoint)[name]()
        if reason and not self._outcomes.get((endpoint, name)):
            _log.warning("%s check %s fails: %s", endpoint, name, reason)
        self._outcomes[endpoint, name] = bool(reason)
        self._counts[endpoint, name, bool(reason)] += 1
        return bool(reason)
