"""What an apply achieved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from cloudk8s.cloud.stack.interface import Observation
from cloudk8s.errors import CloudError, RetryLater


@dataclass(frozen=True, slots=True)
class Outcome:
    """Steps by what became of them. Whatever the outcome: to plan and apply again goes on from here."""

    observation: Observation
    """What is there now, as far as the calls told."""
    done: tuple[str, ...] = ()
    """Names of the steps that changed something."""
    failures: Mapping[str, CloudError] = field(default_factory=dict)
    waiting: Mapping[str, RetryLater] = field(default_factory=dict)
    """What the cloud still works on."""
    skipped: tuple[str, ...] = ()
    """Steps not tried, because one that they need failed or is waited for."""

    @property
    def is_complete(self) -> bool:
        """Everything is as planned."""
        return not (self.failures or self.waiting or self.skipped)

    @property
    def retry_after(self) -> timedelta | None:
        """When to look again, where the cloud is still at work."""
        return min((error.after for error in self.waiting.values()), default=None)

    def raise_for_failure(self) -> None:
        """Raise what a caller should know: the first failure, else that there is something to wait for."""
        for name, error in self.failures.items():
            more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
            raise _named(error, f"{name}: {error}{more}") from error
        if self.waiting:
            name, first = next(iter(self.waiting.items()))
            raise RetryLater(self.retry_after or first.after, f"{name}: {first.message}")
        if self.skipped:
            raise CloudError(f"{', '.join(self.skipped)}: not tried")


def _named(error: CloudError, message: str) -> CloudError:
    """The same error with another message; the class, and what it carries, tells the caller what to do."""
    named = type(error).__new__(type(error))
    named.__dict__.update(error.__dict__)
    named.args = (message,)
    return named
