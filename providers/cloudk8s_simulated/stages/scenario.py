"""Everything that one file says: stages, rules of usage, and how the rest behaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of
from cloudk8s_simulated.stages.documents import SimulationSpec, UsageSpec
from cloudk8s_simulated.stages.stage import Stage


@dataclass(frozen=True, slots=True)
class ContainersRule:
    """A rule of usage: of one pod, or of those that a selector names."""

    spec: UsageSpec
    pod: tuple[str, str] | None = None
    """Namespace and name; None is whatever the selector says."""

    def amount(self, pod: Object, container: Mapping[str, Any], resource: str) -> str:
        """A quantity, a share of the request, or nothing where the rule is not about this container."""
        if not self._is_about(pod):
            return ""
        for item in self.spec.usages:
            if not item.containers or container["name"] in item.containers:
                for name, value in item.usage.items():
                    if name == resource:
                        return value.value
        return ""

    def _is_about(self, pod: Object) -> bool:
        namespace, name = namespace_of(pod), name_of(pod)
        if self.pod is not None:
            return self.pod == (namespace, name)
        selector = self.spec.selector
        if selector is None:
            return True
        spaces, names = selector.matchNamespaces, selector.matchNames
        return (not spaces or namespace in spaces) and (not names or name in names)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What simulated nodes and pods do."""

    stages: Sequence[Stage] = ()
    rules: Sequence[ContainersRule] = ()
    """Those of single pods before those of the whole cluster."""
    simulation: SimulationSpec = field(default_factory=SimulationSpec)

    @property
    def kinds(self) -> Mapping[tuple[str, str], Sequence[Stage]]:
        """The stages by API version and kind."""
        found: dict[tuple[str, str], list[Stage]] = {}
        for stage in self.stages:
            found.setdefault((stage.api_version, stage.kind), []).append(stage)
        return found
