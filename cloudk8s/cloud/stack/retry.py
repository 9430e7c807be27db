"""Call the cloud, and again where that can help."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from cloudk8s.cloud.stack.resource import StackError
from cloudk8s.cloud.stack.timing import SystemTimer, Timer
from cloudk8s.errors import (
    CloudError,
    CloudForbidden,
    CloudNotFound,
    QuotaExceeded,
    RetryLater,
    Unanswered,
    Unsupported,
)

T = TypeVar("T")

FINAL = (Unsupported, CloudForbidden, QuotaExceeded, CloudNotFound, RetryLater, StackError, Unanswered)
"""Errors that the same call at once would only repeat."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and with what delays: doubling from `first` to `most`, each with up to 50 % of jitter."""

    attempts: int = 4
    first: float = 0.5
    most: float = 20.0
    timer: Timer = field(default_factory=SystemTimer)
    random: random.Random = field(default_factory=random.Random)

    def call(self, function: Callable[[], T]) -> T:
        """The function's result; the last error, as a CloudError, when all attempts have failed."""
        delay = self.first
        for attempt in range(1, self.attempts + 1):
            try:
                return function()
            except FINAL:
                raise
            except Exception as error:
                if attempt == self.attempts:
                    raise as_cloud_error(error) from error
            self.timer.pause(delay * (1 + self.random.random() / 2))
            delay = min(delay * 2, self.most)
        raise AssertionError("attempts is at least one")


def as_cloud_error(error: Exception) -> CloudError:
    """The error itself, or a transient CloudError that tells what an SDK raised."""
    return error if isinstance(error, CloudError) else CloudError(f"{type(error).__name__}: {error}")
