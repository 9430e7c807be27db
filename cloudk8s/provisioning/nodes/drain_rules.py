"""`MachineDrainRule`s: which pods leave a machine, when, and which are waited for. Pure; the words are Cluster API's.

A pod's label `cluster.x-k8s.io/drain` (`skip`, `wait-completed`) goes before all rules; of several rules that fit, the
first by name counts. Pods without a rule leave with order 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of, name_of, namespace_of, spec_of
from cloudk8s.machinery import labels

Behavior = Literal["Drain", "Skip", "WaitCompleted"]
LABEL: Final = "cluster.x-k8s.io/drain"
BY_LABEL: Final[Mapping[str, Behavior]] = {"skip": "Skip", "wait-completed": "WaitCompleted"}
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """What selectors look at, beside the pod."""

    machine: Labels = field(default_factory=dict)
    cluster: Labels = field(default_factory=dict)
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    """Labels of namespaces, by name."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of one pod."""

    behavior: Behavior = "Drain"
    order: int = 0


def treatment(pod: Object, rules: Sequence[Object], place: Place) -> Treatment:
    """By its label, else by the first rule that fits, else it leaves like any other."""
    if (told := BY_LABEL.get(labels_of(pod).get(LABEL, "").lower())) is not None:
        return Treatment(told)
    for rule in sorted(rules, key=name_of):
        spec = spec_of(rule)
        if _fits_machine(spec, place) and _fits_pod(spec, pod, place):
            drain = spec.get("drain") or {}
            behavior: Behavior = drain.get("behavior", "Drain")
            return Treatment(behavior, int(drain.get("order") or 0) if behavior == "Drain" else 0)
    return Treatment()


def _fits_machine(spec: Mapping[str, Any], place: Place) -> bool:
    entries = spec.get("machines") or ()
    return not entries or any(
        _matches(entry.get("selector"), place.machine) and _matches(entry.get("clusterSelector"), place.cluster)
        for entry in entries
    )


def _fits_pod(spec: Mapping[str, Any], pod: Object, place: Place) -> bool:
    entries = spec.get("pods") or ()
    namespace = place.namespaces.get(namespace_of(pod), {})
    return not entries or any(
        _matches(entry.get("selector"), labels_of(pod)) and _matches(entry.get("namespaceSelector"), namespace)
        for entry in entries
    )


def _matches(selector: Mapping[str, Any] | None, found: Labels) -> bool:
    """No selector fits everything, as an empty one does."""
    return not selector or labels.from_object(selector).matches(found)
