"""One step becomes calls: intent, token, rate limit, retries, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cloudk8s.cloud.stack.difference import resolve
from cloudk8s.cloud.stack.interface import (
    Create,
    CreatesMany,
    DeletesMany,
    Observed,
    ResourceType,
    Update,
)
from cloudk8s.cloud.stack.journal import Intent, Journal, MemoryJournal
from cloudk8s.cloud.stack.pace import Pace
from cloudk8s.cloud.stack.plan import Step
from cloudk8s.cloud.stack.resource import Owner
from cloudk8s.cloud.stack.retry import Retries
from cloudk8s.cloud.stack.token import intent_token
from cloudk8s.errors import CloudError, CloudNotFound, RetryLater

PENDING = timedelta(seconds=15)
"""When to look again at what is pending, where the cloud does not say."""

Answer = Observed | CloudError | None
"""What a step gave: the resource, an error, or None for a delete."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Everything that a call is made with; shared by the threads of an apply."""

    owner: Owner
    types: Mapping[str, ResourceType]
    predecessors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of dead resources, by key: they make new tokens."""
    journal: Journal = field(default_factory=MemoryJournal)
    pace: Pace = field(default_factory=Pace)
    retries: Retries = field(default_factory=Retries)
    extra_tags: Mapping[str, str] = field(default_factory=dict)

    def run(self, steps: Sequence[Step], lookup: Callable[[str], Observed | None]) -> Mapping[str, Answer]:
        """Do steps of one type and action; answers by step name. Never raises."""
        kind, action = self.types[steps[0].type], steps[0].action
        if action == "delete":
            return self._delete(kind, steps)
        if action == "update":
            return {step.name: self._try(lambda step=step: self._update(kind, step, lookup)) for step in steps}  # type: ignore[misc]
        return self._create(kind, steps, lookup)

    def _create(
        self, kind: ResourceType, steps: Sequence[Step], lookup: Callable[[str], Observed | None]
    ) -> Mapping[str, Answer]:
        calls = {step.key: self._creation(step, lookup) for step in steps}
        for step in steps:
            self.journal.intend(self._intent(step, calls[step.key].token))
        if isinstance(kind, CreatesMany) and len(steps) > 1:
            answers = self._many(kind, lambda: kind.create_many(list(calls.values())), [step.key for step in steps])
            found: dict[str, Answer] = {step.name: answers.get(step.key, _unanswered(step)) for step in steps}
        else:
            found = {
                step.name: self._try(lambda call=calls[step.key]: self._call(kind, lambda: kind.create(call)))  # type: ignore[misc]
                for step in steps
            }
        for step in steps:
            if isinstance(made := found[step.name], Observed):
                self.journal.made(self._intent(step, calls[step.key].token), made)
        return found

    def _update(self, kind: ResourceType, step: Step, lookup: Callable[[str], Observed | None]) -> Observed:
        assert step.observed is not None
        properties = self._properties(step, lookup)
        changed = frozenset(change.property for change in step.changes)
        token = intent_token(self.owner, step.key, properties, [step.observed.id])
        call = Update(self.owner, step.observed, properties, changed, token, self._tags(step))
        self.journal.intend(self._intent(step, token))
        updated: Observed = self._call(kind, lambda: kind.update(call))
        self.journal.made(self._intent(step, token), updated)
        return updated

    def _delete(self, kind: ResourceType, steps: Sequence[Step]) -> Mapping[str, Answer]:
        targets = {step.name: step.observed for step in steps if step.observed is not None}
        for step in steps:
            self.journal.intend(self._intent(step, targets[step.name].id))
        if isinstance(kind, DeletesMany) and len(steps) > 1:
            ids = [observed.id for observed in targets.values()]
            failed = self._many(kind, lambda: kind.delete_many(list(targets.values())), ids)
            found: dict[str, Answer] = {name: failed.get(observed.id) for name, observed in targets.items()}
        else:
            found = {
                name: self._try(lambda target=target: self._call(kind, lambda: kind.delete(target)))  # type: ignore[misc]
                for name, target in targets.items()
            }
        for step in steps:
            if isinstance(found[step.name], CloudNotFound):
                found[step.name] = None
            if found[step.name] is None:
                self.journal.deleted(self._intent(step, targets[step.name].id), targets[step.name])
        return found

    def _creation(self, step: Step, lookup: Callable[[str], Observed | None]) -> Create:
        properties = self._properties(step, lookup)
        dead = self.predecessors.get(step.key, ())
        if step.action == "replace" and step.observed is not None:
            dead = (*dead, step.observed.id)
        return Create(
            self.owner, step.key, properties, intent_token(self.owner, step.key, properties, dead), self._tags(step)
        )

    def _properties(self, step: Step, lookup: Callable[[str], Observed | None]) -> Mapping[str, Any]:
        assert step.resource is not None
        resolved: Mapping[str, Any] = resolve(step.resource.properties, lookup)
        return resolved

    def _tags(self, step: Step) -> Mapping[str, str]:
        return {**self.extra_tags, **self.owner.tags(step.key)}

    def _intent(self, step: Step, token: str) -> Intent:
        return Intent(self.owner, step.action, step.type, step.key, token)

    def _call(self, kind: ResourceType, function: Callable[[], Any]) -> Any:
        def paced() -> Any:
            self.pace.take(kind.traits.api or kind.name)
            return function()

        return self.retries.call(paced)

    def _many(
        self, kind: ResourceType, function: Callable[[], Mapping[str, Any]], keys: Sequence[str]
    ) -> Mapping[str, Any]:
        try:
            answers: Mapping[str, Any] = self._call(kind, function)
        except CloudError as error:
            return dict.fromkeys(keys, error)
        return answers

    def _try(self, function: Callable[[], Answer]) -> Answer:
        try:
            return function()
        except CloudError as error:
            return error


def pending(observed: Observed) -> RetryLater:
    """What to wait for, for a resource that was made and is not ready."""
    return RetryLater(PENDING, observed.reason or f"{observed.id} is not ready yet")


def _unanswered(step: Step) -> CloudError:
    return CloudError(f"{step.type} {step.key}: the provider did not answer for it")
