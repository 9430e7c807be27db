"""What a person is told while a cluster is made: one event for everything made, deleted or waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from cloudk8s.cloud.stack.interface import Observation, Observed
from cloudk8s.cloud.stack.journal import Intent, Journal

EventKind = Literal["made", "changed", "deleted", "waiting", "failed", "note", "done", "stopped", "error"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    kind: EventKind
    subject: str
    """What it happened to: `subnet/eu-1a`, `machine demo-workers-0`."""
    detail: str = ""
    """An id, or what is waited for and how long that usually takes."""

    def as_dict(self) -> dict[str, str]:
        return {"event": self.kind, "subject": self.subject, "detail": self.detail}


Report = Callable[[Event], None]


def silent(event: Event) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class ReportingJournal:
    """A journal that also tells people; what it knows is another journal's."""

    journal: Journal
    report: Report = silent
    _told: set[str] = field(default_factory=set)

    def intend(self, intent: Intent) -> None:
        self.journal.intend(intent)

    def made(self, intent: Intent, observed: Observed) -> None:
        self.journal.made(intent, observed)
        self.report(Event("changed" if intent.action == "update" else "made", intent.key, observed.id))

    def deleted(self, intent: Intent, observed: Observed) -> None:
        self.journal.deleted(intent, observed)
        self.report(Event("deleted", intent.key, observed.id))

    def correct(self, observation: Observation) -> Observation:
        return self.journal.correct(observation)
