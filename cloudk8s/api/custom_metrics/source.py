"""Who knows custom and external metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cloudk8s.api.resource import Object
from cloudk8s.machinery.quantity import Quantity


@dataclass(frozen=True, slots=True)
class ExternalValue:
    """One value of an external metric; selectors look at its labels."""

    value: Quantity
    labels: Mapping[str, str] = field(default_factory=dict)


class CustomMetricsSource(Protocol):
    """Answers come from memory, at once."""

    def of_object(self, obj: Object, metric: str) -> Quantity | None:
        """A metric of an object; None where the object has none of that name."""

    def external(self, namespace: str, metric: str) -> Sequence[ExternalValue]:
        """All values of an external metric that a namespace may see."""

    def custom_names(self) -> frozenset[tuple[str, str]]:
        """Which metrics objects have: plural (with its group, `ingresses.networking.k8s.io`) and name."""

    def external_names(self) -> frozenset[str]:
        """Which external metrics there are."""

    def follow(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` whenever one of the two sets of names has changed."""
