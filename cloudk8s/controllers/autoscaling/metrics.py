"""What the metrics APIs say: metrics.k8s.io, custom.metrics.k8s.io, external.metrics.k8s.io; all in thousandths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from cloudk8s.client.interface import Client
from cloudk8s.controllers.kinds import Kinds
from cloudk8s.errors import CloudK8sError, NotFound, StatusError
from cloudk8s.machinery import labels
from cloudk8s.machinery.clock import Clock
from cloudk8s.machinery.quantity import parse
from cloudk8s.machinery.times import parse_duration, parse_time

_CUSTOM: Final = ("custom.metrics.k8s.io/v1beta2", "custom.metrics.k8s.io/v1beta1")


class MetricsError(CloudK8sError):
    """A metric cannot be had; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one pod used, over how long, until when."""

    value: int
    timestamp: datetime
    window: timedelta = timedelta(seconds=60)


class Metrics:
    """Every method raises MetricsError."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._kinds = Kinds(client, clock=clock)

    async def of_resource(self, resource: str, namespace: str, selector: str, container: str) -> dict[str, Sample]:
        """What the selected pods (or one container of each) use, by pod."""
        path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
        try:
            answer = await self._client.request("GET", path, query={"labelSelector": selector})
        except NotFound:
            missing = "the server could not find the requested resource (get pods.metrics.k8s.io)"
            raise MetricsError(f"unable to fetch metrics from resource metrics API: {missing}") from None
        except StatusError as error:
            raise MetricsError(f"unable to fetch metrics from resource metrics API: {error}") from error
        if not answer.get("items"):
            raise MetricsError("no metrics returned from resource metrics API")
        found = {}
        for item in answer["items"]:
            usage = _usage(item, resource, container)
            if usage is not None:
                window = parse_duration(item["window"]) if item.get("window") else timedelta(seconds=60)
                found[item["metadata"]["name"]] = Sample(usage, parse_time(item["timestamp"]), window)
        return found

    async def of_pods(self, metric: Mapping[str, Any], namespace: str, selector: str) -> dict[str, Sample]:
        """A custom metric of the selected pods, by pod."""
        query = {"labelSelector": selector} | _metric_selector(metric, "metricLabelSelector")
        items = await self._custom(f"namespaces/{namespace}/pods/*/{quote(metric['name'])}", query)
        return {
            item["describedObject"]["name"]: Sample(
                parse(item["value"]).milli_value,
                parse_time(item["timestamp"]),
                timedelta(seconds=int(item.get("windowSeconds") or 60)),
            )
            for item in items
        }

    async def of_object(self, metric: Mapping[str, Any], namespace: str, described: Mapping[str, str]) -> int:
        """A custom metric of one object."""
        query = _metric_selector(metric, "metricLabelSelector")
        path = await self._object_path(namespace, described)
        items = await self._custom(f"{path}/{quote(metric['name'])}", query)
        return parse(items[0]["value"]).milli_value

    async def external(self, metric: Mapping[str, Any], namespace: str) -> list[int]:
        """All values of a metric that has nothing to do with the cluster."""
        path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{quote(metric['name'])}"
        try:
            answer = await self._client.request("GET", path, query=_metric_selector(metric, "labelSelector"))
        except StatusError as error:
            raise MetricsError(f"unable to fetch metrics from external metrics API: {error}") from error
        if not answer.get("items"):
            raise MetricsError("no metrics returned from external metrics API")
        return [parse(item["value"]).milli_value for item in answer["items"]]

    async def _custom(self, path: str, query: Mapping[str, str]) -> Sequence[Any]:
        reason: StatusError | None = None
        for api in _CUSTOM:
            try:
                answer = await self._client.request("GET", f"/apis/{api}/{path}", query=query)
            except NotFound as error:
                reason = error
                continue
            except StatusError as error:
                raise MetricsError(f"unable to fetch metrics from custom metrics API: {error}") from error
            if not answer.get("items"):
                raise MetricsError("no metrics returned from custom metrics API")
            return list(answer["items"])
        raise MetricsError(f"unable to fetch metrics from custom metrics API: {reason}")

    async def _object_path(self, namespace: str, described: Mapping[str, str]) -> str:
        kind, name = described["kind"], described["name"]
        if kind == "Namespace":
            return f"namespaces/{namespace}/metrics"
        resource = await self._kinds.find(described.get("apiVersion") or "v1", kind)
        if resource is None:
            raise MetricsError(f'no matches for kind "{kind}" in version "{described.get("apiVersion")}"')
        plural = f"{resource.plural}.{resource.group}" if resource.group else resource.plural
        return f"namespaces/{namespace}/{plural}/{name}" if resource.namespaced else f"{plural}/{name}"


def _usage(item: Mapping[str, Any], resource: str, container: str) -> int | None:
    """Of all containers, None if one does not say; or of one, which must be there."""
    containers = item.get("containers") or ()
    if container:
        containers = [each for each in containers if each["name"] == container]
        if not containers:
            where = f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            raise MetricsError(f"container {container} not present in metrics for pod {where}")
    values = [each["usage"].get(resource) for each in containers]
    if not values or any(value is None for value in values):
        return None
    return sum(parse(value).milli_value for value in values)


def _metric_selector(metric: Mapping[str, Any], parameter: str) -> dict[str, str]:
    selector = metric.get("selector")
    return {parameter: str(labels.from_object(selector))} if selector else {}
