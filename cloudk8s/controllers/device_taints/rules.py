"""DeviceTaintRules: which there are, and what their status says of the evictions they cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import name_of, namespace_of, spec_of, status_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.controllers import conditions
from cloudk8s.controllers.device_taints import rule_status
from cloudk8s.controllers.device_taints.devices import Devices
from cloudk8s.controllers.device_taints.taints import NO_EXECUTE, selects
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.kinds import served
from cloudk8s.machinery.times import parse_time

MANAGER: Final = "device-taint-eviction-controller"
PERIOD: Final = timedelta(seconds=10)
"""How long a condition stays at least, unless the rule changes."""


class Rules:
    """None where the server has no DeviceTaintRules, which are off by default."""

    def __init__(self, context: ControllerContext, devices: Devices) -> None:
        self._context = context
        self._devices = devices
        self._queue: WorkQueue[str] = WorkQueue(
            "device taint rules", clock=context.clock, instruments=context.instruments
        )
        self._resource: Resource | None = None
        self._informer: Informer | None = None
        self._evicted: Counter[str] = Counter()

    async def follow(self, changed: Callable[[], None]) -> None:
        """Look for rules, in whatever version they are served; `changed` is called when one does."""
        self._resource = await served(self._context.client, "resource.k8s.io", "DeviceTaintRule")
        if self._resource is None:
            return

        def handler(old: Object | None, new: Object | None) -> None:
            if old is None or new is None or spec_of(old) != spec_of(new):
                self._note(old, new)
                changed()

        self._informer = self._context.informers.of(self._resource)
        await self._informer.synced()
        self._informer.add_handler(handler)

    async def run(self) -> None:
        """Keep conditions true, until cancelled."""
        await run_workers(self._queue, 1, self._report)

    def list(self) -> Sequence[Object]:
        return self._informer.list() if self._informer is not None else ()

    def pending(self, rules: Iterable[str]) -> None:
        """Rules, by UID, have a pod to end."""
        self._enqueue(rules)

    def evicted(self, rules: Iterable[str]) -> None:
        """They have ended one."""
        self._evicted.update(rules)
        self._enqueue(rules)

    def _note(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))
        elif old is not None:
            self._evicted.pop(uid_of(old), None)

    def _enqueue(self, rules: Iterable[str]) -> None:
        wanted = set(rules)
        for rule in self.list() if wanted else ():
            if uid_of(rule) in wanted:
                self._queue.add(name_of(rule))

    async def _report(self, name: str) -> timedelta | None:
        rule = self._informer.get(name) if self._informer is not None else None
        if rule is None:
            return None
        now, said = self._context.clock.now(), conditions.find(status_of(rule).get("conditions"), rule_status.CONDITION)
        if said is not None and said.get("observedGeneration") == rule["metadata"].get("generation"):
            since = now - parse_time(said["lastTransitionTime"])
            if since < PERIOD:
                return PERIOD - since
            if spec_of(rule)["taint"].get("effect") == "None":
                return None
        wanted = rule_status.condition(rule, self._effects(rule), now)
        if said is None or wanted != {**said, "lastTransitionTime": wanted["lastTransitionTime"]}:
            await self._say(rule, wanted)
        return PERIOD if wanted["status"] == "True" else None

    async def _say(self, rule: Object, condition: Object) -> None:
        assert self._resource is not None
        patch = {
            "apiVersion": self._resource.api_version,
            "kind": self._resource.kind,
            "metadata": {"name": name_of(rule), "uid": uid_of(rule)},
            "status": {"conditions": [condition]},
        }
        await self._context.client.patch(
            self._resource, name_of(rule), patch, type="apply", subresource="status", field_manager=MANAGER, force=True
        )

    def _effects(self, rule: Object) -> rule_status.Effects:
        taint, evicted = spec_of(rule)["taint"], self._evicted[uid_of(rule)]
        if taint.get("effect") not in (NO_EXECUTE, "None"):
            return rule_status.Effects(evicted=evicted)
        pods = self._pods_ended_by({**rule, "spec": {**spec_of(rule), "taint": {**taint, "effect": NO_EXECUTE}}})
        return rule_status.Effects(
            pods=len(pods),
            namespaces=len({namespace_of(pod) for pod in pods}),
            published=sum(selects(rule, device) for device in self._devices.published()),
            allocated=sum(selects(rule, device) for device in self._devices.allocated()),
            evicted=evicted,
        )

    def _pods_ended_by(self, rule: Object) -> Sequence[Object]:
        found = []
        for pod in self._devices.consumers(self._devices.claims.list()):
            eviction = self._devices.eviction_of(pod, [rule])
            if eviction is not None and uid_of(rule) in eviction.rules:
                found.append(pod)
        return found
