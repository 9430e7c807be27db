"""One look at one autoscaler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Client, Object, Resource
from cloudk8s.client.objects import namespace_of, spec_of, status_of
from cloudk8s.client.resources import HORIZONTAL_POD_AUTOSCALERS
from cloudk8s.controllers import conditions
from cloudk8s.controllers.autoscaling.damping import (
    Bounded,
    History,
    Wish,
    bounded,
    bounded_by_rules,
    stabilized,
    stabilized_by_rules,
)
from cloudk8s.controllers.autoscaling.metrics import Metrics
from cloudk8s.controllers.autoscaling.proposals import InvalidMetric, Proposals
from cloudk8s.controllers.autoscaling.usage import Calculation, Tolerances, Warmup
from cloudk8s.controllers.kinds import Kinds
from cloudk8s.controllers.settings import ControllerSettings
from cloudk8s.errors import CloudK8sError, StatusError
from cloudk8s.machinery import labels
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.labels import Selector, SelectorError
from cloudk8s.machinery.quantity import parse
from cloudk8s.machinery.times import format_time


class CannotScale(CloudK8sError):
    """This look came to nothing; conditions and events say why."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every look needs. `pods_of` selects pods; `rivals` names the autoscalers that select the same ones."""

    client: Client
    events: EventRecorder
    clock: Clock
    options: ControllerSettings
    kinds: Kinds
    metrics: Metrics
    pods_of: Callable[[str, Selector], Sequence[Object]]
    rivals: Callable[[Object, Selector, Sequence[Object]], Sequence[str]]


@dataclass(slots=True)
class AutoscalerSync:
    """See the module."""

    around: Surroundings
    autoscaler: Object
    history: History
    found: Sequence[conditions.Condition] = ()
    statuses: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.found = status_of(self.autoscaler).get("conditions") or ()

    async def run(self) -> None:
        """Look, scale, and write status. Raises CannotScale and StatusError."""
        try:
            resource, scale = await self._target()
        except CannotScale as error:
            self._warn("FailedGetScale", str(error))
            message = f"the HPA controller was unable to get the target's current scale: {error}"
            self._set("AbleToScale", "False", "FailedGetScale", message)
            await self._write(self._status())
            raise
        message = "the HPA controller was able to get the target's current scale"
        self._set("AbleToScale", "True", "SucceededGetScale", message)
        current = int(spec_of(scale).get("replicas") or 0)
        self.history.begin(current, self._now)
        try:
            desired, reason = await self._desired(scale, current)
        except CannotScale as error:
            await self._write(self._status(current))
            self._warn("FailedComputeMetricsReplicas", str(error))
            raise
        if desired != current:
            await self._rescale(resource, scale, current, desired, reason)
        await self._write(self._status(current, desired, is_rescaled=desired != current))

    @property
    def _now(self) -> float:
        return self.around.clock.monotonic()

    # Target

    async def _target(self) -> tuple[Resource, Object]:
        reference = spec_of(self.autoscaler)["scaleTargetRef"]
        resource = await self.around.kinds.find_in_group(reference.get("apiVersion") or "v1", reference["kind"])
        if resource is None:
            group = (reference.get("apiVersion") or "").rpartition("/")[0]
            raise CannotScale(f'no matches for kind "{reference["kind"]}" in group "{group}"')
        namespace = namespace_of(self.autoscaler)
        try:
            scale = await self.around.client.get(resource, reference["name"], namespace=namespace, subresource="scale")
        except StatusError as error:
            raise CannotScale(error.message) from error
        return resource, scale

    async def _rescale(self, resource: Resource, scale: Object, current: int, desired: int, reason: str) -> None:
        changed = {**scale, "spec": {**spec_of(scale), "replicas": desired}}
        try:
            await self.around.client.update(resource, changed, subresource="scale")
        except StatusError as error:
            self._warn("FailedRescale", f"New size: {desired}; reason: {reason}; error: {error.message}")
            message = f"the HPA controller was unable to update the target scale: {error.message}"
            self._set("AbleToScale", "False", "FailedUpdateScale", message)
            await self._write(self._status(current))
            raise
        message = f"the HPA controller was able to update the target scale to {desired}"
        self._set("AbleToScale", "True", "SucceededRescale", message)
        self.around.events.normal(self.autoscaler, "SuccessfulRescale", f"New size: {desired}; reason: {reason}")
        self.history.scaled(spec_of(self.autoscaler).get("behavior"), current, desired, self._now)

    # Size

    async def _desired(self, scale: Object, current: int) -> tuple[int, str]:
        spec = spec_of(self.autoscaler)
        minimum = 1 if spec.get("minReplicas") is None else int(spec["minReplicas"])
        maximum = int(spec["maxReplicas"])
        if current == 0 and minimum != 0:
            message = "scaling is disabled since the replica count of the target is zero"
            self._set("ScalingActive", "False", "ScalingDisabled", message)
            return 0, ""
        if current > maximum:
            return maximum, "Current number of replicas above Spec.MaxReplicas"
        if current < minimum:
            return minimum, "Current number of replicas below Spec.MinReplicas"
        wanted, metric = await self._by_metrics(scale, current)
        above, below = f"{metric} above target", "All metrics below target"
        reason = above if wanted > current else below if wanted < current else ""
        return self._damped(Wish(current, wanted, minimum, maximum)), reason

    async def _by_metrics(self, scale: Object, current: int) -> tuple[int, str]:
        """The highest of what all metrics call for, and which one did."""
        proposals = self._proposals(scale, current)
        replicas, name = 0, ""
        failures: list[InvalidMetric] = []
        specs = spec_of(self.autoscaler).get("metrics") or ()
        for spec in specs:
            try:
                proposal = await proposals.of(spec)
            except InvalidMetric as error:
                self._warn(error.reason, str(error))
                self.statuses.append({"type": ""})
                failures.append(error)
                continue
            self.statuses.append(proposal.status)
            if replicas == 0 or proposal.replicas > replicas:
                replicas, name = proposal.replicas, proposal.name
        if failures and (len(failures) == len(specs) or replicas < current):
            first = failures[0]
            message = f"the HPA was unable to compute the replica count: {first}"
            self._set("ScalingActive", "False", first.reason, message)
            counted = f"{len(failures)} invalid out of {len(specs)}"
            raise CannotScale(f"invalid metrics ({counted}), first error is: {first.summary}")
        message = f"the HPA was able to successfully calculate a replica count from {name}"
        self._set("ScalingActive", "True", "ValidMetricFound", message)
        return replicas, name

    def _proposals(self, scale: Object, current: int) -> Proposals:
        namespace, text = namespace_of(self.autoscaler), status_of(scale).get("selector") or ""
        selector = self._selector(text)
        pods = self.around.pods_of(namespace, selector)
        if len(rivals := self.around.rivals(self.autoscaler, selector, pods)) > 1:
            message = f"pods by selector {text} are controlled by multiple HPAs: [{' '.join(rivals)}]"
            self._refuse("AmbiguousSelector", message, message)
        options = self.around.options
        warmup = Warmup(options.hpa_cpu_initialization_period, options.hpa_initial_readiness_delay)
        calculation = Calculation(pods, current, self._tolerances(), warmup, self.around.clock.now())
        replicas = int(status_of(scale).get("replicas") or 0)
        return Proposals(self.around.metrics, calculation, namespace, text, replicas)

    def _selector(self, text: str) -> Selector:
        if not text:
            missing = "the HPA target's scale is missing a selector"
            self._refuse("InvalidSelector", missing, "selector is required", event="SelectorRequired")
        try:
            return labels.parse(text)
        except SelectorError as error:
            message = f"couldn't convert selector into a corresponding internal selector object: {error}"
            self._refuse("InvalidSelector", message, message)

    def _refuse(self, reason: str, condition: str, message: str, *, event: str = "") -> NoReturn:
        self._warn(event or reason, message)
        self._set("ScalingActive", "False", reason, condition)
        raise CannotScale(message)

    def _tolerances(self) -> Tolerances:
        behavior = spec_of(self.autoscaler).get("behavior") or {}

        def of(direction: str) -> float:
            given = (behavior.get(direction) or {}).get("tolerance")
            return self.around.options.hpa_tolerance if given is None else float(parse(given))

        return Tolerances(of("scaleUp"), of("scaleDown"))

    def _damped(self, wish: Wish) -> int:
        window = self.around.options.hpa_downscale_stabilization.total_seconds()
        behavior = spec_of(self.autoscaler).get("behavior")
        if behavior is None:
            steady = stabilized(self.history, wish, window, self._now)
            limited = bounded(_with(wish, steady))
        else:
            steady = stabilized_by_rules(self.history, wish, behavior, window, self._now)
            limited = bounded_by_rules(self.history, _with(wish, steady), behavior, self._now)
        self._set("AbleToScale", "True", steady.reason, steady.message)
        is_limited = "False" if limited.replicas == steady.replicas else "True"
        self._set("ScalingLimited", is_limited, limited.reason, limited.message)
        return limited.replicas

    # Status

    def _set(self, type: str, status: str, reason: str, message: str) -> None:
        new = conditions.new(type, status, reason, message, self.around.clock.now())
        self.found = conditions.with_condition(self.found, new)

    def _warn(self, reason: str, message: str) -> None:
        self.around.events.warning(self.autoscaler, reason, message)

    def _status(
        self, current: int | None = None, desired: int | None = None, *, is_rescaled: bool = False
    ) -> dict[str, Any]:
        old = status_of(self.autoscaler)
        status = {**old, "conditions": list(self.found)}
        if current is not None:
            status["currentReplicas"] = current
            status["currentMetrics"] = self.statuses or None
        if desired is not None:
            status["desiredReplicas"] = desired
        if is_rescaled:
            status["lastScaleTime"] = format_time(self.around.clock.now())
        status.setdefault("desiredReplicas", 0)
        return status

    async def _write(self, status: dict[str, Any]) -> None:
        if status != status_of(self.autoscaler):
            changed = {**self.autoscaler, "status": status}
            try:
                await self.around.client.update(HORIZONTAL_POD_AUTOSCALERS, changed, subresource="status")
            except StatusError as error:
                self._warn("FailedUpdateStatus", error.message)
                raise


def _with(wish: Wish, steady: Bounded) -> Wish:
    return Wish(wish.current, steady.replicas, wish.minimum, wish.maximum)
