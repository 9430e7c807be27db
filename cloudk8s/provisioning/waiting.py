"""Wait for a cloud: pauses that grow, a deadline, and an end at once where waiting is vain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cloudk8s.cloud.stack.resource import StackError
from cloudk8s.errors import (
    CloudError,
    CloudForbidden,
    CloudK8sError,
    QuotaExceeded,
    RetryLater,
    SettingsError,
    Unsupported,
)
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site

T = TypeVar("T")

FINAL = (Unsupported, CloudForbidden, QuotaExceeded, StackError)
"""Errors that trying again will not cure."""


class NotConverged(CloudK8sError):
    """Time is up; the same command goes on where this one stopped."""


@dataclass(slots=True)
class Patience:
    """One command's waiting."""

    site: Site
    timeout: float
    _deadline: float = field(init=False)
    _pause: float = 1.0
    _told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._deadline = self.site.timer.monotonic() + self.timeout

    def wait(self, failures: Mapping[str, CloudError], waiting: Mapping[str, str], *, most: float = 0.0) -> None:
        """Pause before the next look, `most` seconds if given; raises what can't be cured, or that time is up."""
        for subject, error in failures.items():
            if isinstance(error, FINAL):
                raise _as_final(subject, error)
        self._tell(failures, waiting)
        if self.site.timer.monotonic() + self._pause > self._deadline:
            raise NotConverged(self._time_is_up(failures, waiting))
        self.site.timer.pause(self._pause)
        self._pause = min(self._pause * 2, most or self.site.wait_most)

    def read(self, function: Callable[[], T]) -> T:
        """What a function reads, however often it takes; raises what can't be cured, or that time is up."""
        while True:
            try:
                return function()
            except CloudError as error:
                self.wait({f"reading cluster {self.site.cluster}": error}, {})

    def progressed(self) -> None:
        """Something moved: look again soon."""
        self._pause = 1.0

    def _tell(self, failures: Mapping[str, CloudError], waiting: Mapping[str, str]) -> None:
        """Report what is new."""
        news = {subject: str(error) for subject, error in failures.items()} | dict(waiting)
        for subject, text in news.items():
            if self._told.get(subject) != text:
                is_failure = subject in failures and not isinstance(failures[subject], RetryLater)
                self.site.report(Event("failed" if is_failure else "waiting", subject, text))
        self._told = news

    def _time_is_up(self, failures: Mapping[str, CloudError], waiting: Mapping[str, str]) -> str:
        reasons = [f"{subject}: {error}" for subject, error in failures.items()]
        reasons += [f"{subject}: {text}" for subject, text in waiting.items()]
        more = f" (and {len(reasons) - 3} more)" if len(reasons) > 3 else ""
        return (
            f"cluster {self.site.cluster} is not done after {self.timeout:.0f} s: {'; '.join(reasons[:3])}{more}; "
            "run the command again to go on"
        )


def _as_final(subject: str, error: CloudError) -> CloudK8sError:
    if isinstance(error, Unsupported):
        return SettingsError(f"{subject}: {error}")
    error.args = (f"{subject}: {error}",)
    return error
