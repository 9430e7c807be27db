"""How many replicas one metric of an autoscaler calls for, and what its status says of it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cloudk8s.controllers.autoscaling.metrics import Metrics, MetricsError
from cloudk8s.controllers.autoscaling.usage import Calculation, average, requests_of, utilization
from cloudk8s.machinery.quantity import Quantity, parse

Spec = Mapping[str, Any]


class InvalidMetric(MetricsError):
    """A metric cannot be used; `reason` is that of the condition and event, `summary` how the whole look calls it."""

    def __init__(self, reason: str, message: str, summary: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.summary = summary


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one metric calls for."""

    replicas: int
    name: str
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposals:
    """For one target: `selector` is its pods' in text form, `replicas` how many its status says it has."""

    metrics: Metrics
    calculation: Calculation
    namespace: str
    selector: str
    replicas: int

    async def of(self, spec: Spec) -> Proposal:
        """Raises InvalidMetric."""
        match spec["type"]:
            case "Resource":
                source = spec["resource"]
                what = f"{source['name']} resource metric"
                return await _checked(self._resource(spec, source, ""), "FailedGetResourceMetric", what)
            case "ContainerResource":
                source = spec["containerResource"]
                what = f"{source['container']} container metric"
                work = self._resource(spec, source, source["container"])
                return await _checked(work, "FailedGetContainerResourceMetric", what)
            case "Pods":
                return await _checked(self._pods(spec), "FailedGetPodsMetric", "pods metric")
            case "Object":
                return await _checked(self._object(spec), "FailedGetObjectMetric", "object metric")
            case "External":
                what = f"{spec['external']['metric']['name']} external metric"
                return await _checked(self._external(spec), "FailedGetExternalMetric", what)
        message = f'unknown metric source type "{spec["type"]}"'
        raise InvalidMetric("InvalidMetricSourceType", message, message)

    async def _resource(self, spec: Spec, source: Spec, container: str) -> Proposal:
        resource, target = source["name"], source["target"]
        is_average = target.get("averageValue") is not None
        what = "usage" if is_average else "utilization"
        try:
            if is_average:
                replicas, name, current = await self._resource_value(resource, target, container)
            elif target.get("averageUtilization") is not None:
                replicas, name, current = await self._resource_share(resource, target, container)
            else:
                raise MetricsError(_NO_TARGET)
        except MetricsError as error:
            if str(error) == _NO_TARGET:
                raise
            raise MetricsError(f"failed to get {resource} {what}: {error}") from error
        kept = {field: source[field] for field in ("name", "container") if field in source}
        field = "containerResource" if container else "resource"
        return Proposal(replicas, name, {"type": spec["type"], field: {**kept, "current": current}})

    async def _resource_value(self, resource: str, target: Spec, container: str) -> tuple[int, str, Spec]:
        wanted = parse(target["averageValue"]).milli_value
        samples = await self._samples(resource, container)
        replicas, usage = self.calculation.replicas(
            samples, resource, lambda found: average(found) / wanted, lambda _: wanted
        )
        return replicas, f"{resource} resource", {"averageValue": _text(average(usage))}

    async def _resource_share(self, resource: str, target: Spec, container: str) -> tuple[int, str, Spec]:
        wanted = int(target["averageUtilization"])
        samples = await self._samples(resource, container)
        requests = cache(lambda: requests_of(self.calculation.pods, resource, container))
        replicas, usage = self.calculation.replicas(
            samples,
            resource,
            lambda found: utilization(found, requests()) / wanted,
            lambda name: requests().get(name, 0) * max(100, wanted) // 100,
        )
        current = {"averageUtilization": utilization(usage, requests()), "averageValue": _text(average(usage))}
        kind = "container resource" if container else "resource"
        return replicas, f"{resource} {kind} utilization (percentage of request)", current

    async def _samples(self, resource: str, container: str) -> Any:
        try:
            return await self.metrics.of_resource(resource, self.namespace, self.selector, container)
        except MetricsError as error:
            raise MetricsError(f"unable to get metrics for resource {resource}: {error}") from error

    async def _pods(self, spec: Spec) -> Proposal:
        metric = spec["pods"]["metric"]
        wanted = parse(spec["pods"]["target"]["averageValue"]).milli_value
        try:
            samples = await self.metrics.of_pods(metric, self.namespace, self.selector)
        except MetricsError as error:
            raise MetricsError(f"unable to get metric {metric['name']}: {error}") from error
        replicas, usage = self.calculation.replicas(
            samples, "", lambda found: average(found) / wanted, lambda _: wanted
        )
        status = {"metric": metric, "current": {"averageValue": _text(average(usage))}}
        return Proposal(replicas, f"pods metric {metric['name']}", {"type": "Pods", "pods": status})

    async def _object(self, spec: Spec) -> Proposal:
        source = spec["object"]
        metric, described = source["metric"], source["describedObject"]
        is_average = source["target"].get("averageValue") is not None
        try:
            usage = await self.metrics.of_object(metric, self.namespace, described)
        except MetricsError as error:
            where = f"{described['kind']} on {self.namespace} {described['name']}"  # upstream's order of words
            text = f"unable to get metric {metric['name']}: {where}/{error}"
            summary = f"failed to get {metric['name']} object metric: {text}" if is_average else text
            raise _Wrapped(text, summary) from error
        replicas, current = self._shared(usage, source["target"], "object")
        name = f"{described['kind']} metric {metric['name']}"
        if is_average:
            name = f"external metric {metric['name']}({_selector(metric)})"
        status = {"describedObject": described, "metric": metric, "current": current}
        return Proposal(replicas, name, {"type": "Object", "object": status})

    async def _external(self, spec: Spec) -> Proposal:
        source = spec["external"]
        metric = source["metric"]
        try:
            usage = sum(await self.metrics.external(metric, self.namespace))
        except MetricsError as error:
            where = f"{self.namespace}/{metric['name']}/{_selector(metric)}"
            text, name = f"unable to get external metric {where}: {error}", metric["name"]
            is_average = source["target"].get("averageValue") is not None
            what = f"{name} external metric" if is_average else f"external metric {name}"
            raise _Wrapped(text, f"failed to get {what}: {text}") from error
        replicas, current = self._shared(usage, source["target"], "external")
        name = f"external metric {metric['name']}({_selector(metric)})"
        return Proposal(replicas, name, {"type": "External", "external": {"metric": metric, "current": current}})

    def _shared(self, usage: int, target: Spec, kind: str) -> tuple[int, Spec]:
        """A value that all pods share: brought to a target, or to a target for each of them."""
        if target.get("averageValue") is not None:
            wanted = parse(target["averageValue"]).milli_value
            share = math.ceil(usage / self.replicas) if self.replicas else usage
            ratio = usage / (wanted * self.replicas) if self.replicas else math.inf
            is_fine = self.calculation.tolerances.accept(ratio)
            return self.replicas if is_fine else math.ceil(usage / wanted), {"averageValue": _text(share)}
        if target.get("value") is not None:
            wanted = parse(target["value"]).milli_value
            return self.calculation.by_ratio(usage / wanted), {"value": _text(usage)}
        neither = "neither a value target nor an average value target was set"
        raise MetricsError(f"invalid {kind} metric source: {neither}")


class _Wrapped(MetricsError):
    """An error of which the summary says more than condition and event."""

    def __init__(self, message: str, summary: str) -> None:
        super().__init__(message)
        self.summary = summary


_NO_TARGET = (
    "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
)


async def _checked(work: Awaitable[Proposal], reason: str, what: str) -> Proposal:
    try:
        return await work
    except MetricsError as error:
        inner = error.summary if isinstance(error, _Wrapped) else str(error)
        raise InvalidMetric(reason, str(error), f"failed to get {what} value: {inner}") from error


def _text(milli: int) -> str:
    return str(Quantity.of_milli(milli))


def _selector(metric: Spec) -> str:
    """A label selector as Go prints a pointer to one."""
    selector = metric.get("selector")
    if selector is None:
        return "nil"
    pairs = " ".join(f"{name}:{value}" for name, value in sorted((selector.get("matchLabels") or {}).items()))
    terms = " ".join(
        f"{{Key:{item['key']},Operator:{item['operator']},Values:[{' '.join(item.get('values') or ())}],}}"
        for item in selector.get("matchExpressions") or ()
    )
    matches, expressions = f"map[string]string{{{pairs}}}", f"[]LabelSelectorRequirement{{{terms}}}"
    return f"&LabelSelector{{MatchLabels:{matches},MatchExpressions:{expressions},}}"
