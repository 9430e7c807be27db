"""The rules that shall be in force, by Service, and what a change of objects means for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key
from cloudk8s.network.proxy.model import HealthCheck, Locality, Rule, RuleKey, Update
from cloudk8s.network.proxy.rules import health_check_of, rules_of

Look = Callable[[str], tuple[Object | None, Sequence[Object]]]
"""A Service and its slices as they are now, by the Service's key."""
_log = logging.getLogger(__name__)


class Desired:
    """Remembers what was planned; a plan holds the difference. Costs as much as the Services it is asked about."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._rules: dict[str, dict[RuleKey, Rule]] = {}
        self._checks: dict[str, HealthCheck] = {}
        self._again: set[str] = set()
        self._ranges: tuple[str, ...] = ()
        self._is_fresh = True

    @property
    def checks(self) -> Sequence[HealthCheck]:
        """The health checks to answer, of all Services."""
        return tuple(self._checks.values())

    @property
    def incomplete(self) -> frozenset[str]:
        """Services whose rules the host could not carry out in full."""
        return frozenset(self._again)

    def plan(self, names: Iterable[str], where: Locality, ranges: tuple[str, ...] = ()) -> Update:
        """What is different now for these Services; the first plan, and that after `forget`, is a complete one."""
        changed: dict[RuleKey, Rule] = {}
        removed: set[RuleKey] = set()
        for name in names:
            old, new = self._rules.pop(name, {}), self._wanted(name, where)
            changed |= {rule: value for rule, value in new.items() if name in self._again or old.get(rule) != value}
            removed |= old.keys() - new.keys()
            self._again.discard(name)
            if new:
                self._rules[name] = new
        is_complete, self._is_fresh = self._is_fresh, False
        known, self._ranges = self._ranges, ranges
        return Update(changed, frozenset(removed), is_complete, ranges if is_complete or ranges != known else None)

    def retry(self, rules: Iterable[RuleKey]) -> None:
        """Have these in the plan when their Services are next asked about, changed or not."""
        self._again.update(key(rule.namespace, rule.service) for rule in rules)

    def forget(self) -> None:
        """Nothing is known to be carried out."""
        self._rules.clear()
        self._is_fresh = True

    def _wanted(self, name: str, where: Locality) -> dict[RuleKey, Rule]:
        service, slices = self._look(name)
        self._checks.pop(name, None)
        if service is None:
            return {}
        try:
            rules = rules_of(service, slices, where)
        except ValueError as error:
            _log.error("Service %s is not forwarded: %s", name, error)
            return {}
        if check := health_check_of(service, slices, where):
            self._checks[name] = check
        return {rule.key: rule for rule in rules}
