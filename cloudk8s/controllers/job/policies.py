"""What a failed pod means (podFailurePolicy), and what counts as success (successPolicy): pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of, spec_of, status_of
from cloudk8s.controllers.job import indexes

Action = Literal["", "Count", "FailIndex", "FailJob", "Ignore"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the failure policy says of a failed pod; `message` is why a Job fails because of it."""

    action: Action = ""
    message: str = ""

    @property
    def is_counted(self) -> bool:
        return self.action != "Ignore"


def judge(job: Object, pod: Object) -> Verdict:
    """Apply the first rule that matches; without one the failure counts."""
    rules: Sequence[Mapping[str, Any]] = (spec_of(job).get("podFailurePolicy") or {}).get("rules") or ()
    for number, rule in enumerate(rules):
        action: Action = rule["action"]
        what = _matched(rule, pod)
        if not what or (action == "FailIndex" and spec_of(job).get("backoffLimitPerIndex") is None):
            continue
        message = f"{what} matching {action} rule at index {number}" if action == "FailJob" else ""
        return Verdict(action, message)
    return Verdict()


def success_rule(job: Object, succeeded: set[int], completions: int) -> int | None:
    """The number of the success policy's first rule that is fulfilled."""
    rules: Sequence[Mapping[str, Any]] = (spec_of(job).get("successPolicy") or {}).get("rules") or ()
    for number, rule in enumerate(rules if succeeded else ()):
        wanted = rule.get("succeededIndexes")
        required = indexes.parse(wanted, completions) if wanted else set(range(completions))
        count = rule.get("succeededCount")
        needed = len(required) if count is None else int(count)
        if len(succeeded & required) >= needed:
            return number
    return None


def _matched(rule: Mapping[str, Any], pod: Object) -> str:
    """What of the pod the rule matches, in words; empty if nothing."""
    where = f"{namespace_of(pod)}/{name_of(pod)}"
    if codes := rule.get("onExitCodes"):
        for container in _containers(pod):
            code = (container.get("state") or {}).get("terminated", {}).get("exitCode", 0)
            if code and _is_wanted(codes, container, code):
                return f"Container {container.get('name')} for pod {where} failed with exit code {code}"
    for pattern in rule.get("onPodConditions") or ():
        for item in status_of(pod).get("conditions") or ():
            if item.get("type") == pattern.get("type") and item.get("status") == (pattern.get("status") or "True"):
                return f"Pod {where} has condition {item['type']}"
    return ""


def _is_wanted(codes: Mapping[str, Any], container: Mapping[str, Any], code: int) -> bool:
    if codes.get("containerName") not in (None, container.get("name")):
        return False
    return (code in (codes.get("values") or ())) is (codes.get("operator") == "In")


def _containers(pod: Object) -> Sequence[Mapping[str, Any]]:
    status = status_of(pod)
    return [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
