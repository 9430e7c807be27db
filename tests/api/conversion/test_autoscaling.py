"""Autoscalers in both versions: what v1 has no field for survives in annotations, in upstream's form."""

from __future__ import annotations

import json
from typing import Any

from cloudk8s.api.conversion import convert

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
QUEUE = {
    "type": "External",
    "external": {
        "metric": {"name": "queue", "selector": {"matchLabels": {"q": "a"}}},
        "target": {"type": "Value", "value": "30"},
    },
}
HITS = {
    "type": "Object",
    "object": {
        "describedObject": {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"},
        "metric": {"name": "hits"},
        "target": {"type": "Value", "value": "2k"},
    },
}
BEHAVIOR = {"scaleUp": {"selectPolicy": "Max", "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}]}}
PREFIX = "autoscaling.alpha.kubernetes.io/"


def autoscaler(**spec: Any) -> dict[str, Any]:
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": {"name": "scale", "annotations": {"mine": "1"}},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"kind": "Deployment", "name": "web"}, **spec},
        "status": {"currentMetrics": None, "desiredReplicas": 0},
    }


def test_round_trip_loses_nothing() -> None:
    original = autoscaler(metrics=[MEMORY, QUEUE, HITS, CPU], behavior=BEHAVIOR)
    original["status"]["currentMetrics"] = [
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 9, "averageValue": "5m"}}}
    ]
    original["status"]["conditions"] = [{"type": "AbleToScale", "status": "True"}]
    assert convert(convert(original, "autoscaling/v1"), "autoscaling/v2") == original


def test_v1_keeps_upstreams_forms() -> None:
    converted = convert(autoscaler(metrics=[CPU, MEMORY, QUEUE], behavior=BEHAVIOR), "autoscaling/v1")
    assert converted["spec"]["targetCPUUtilizationPercentage"] == 60
    annotations = converted["metadata"]["annotations"]
    assert annotations["mine"] == "1"
    assert json.loads(annotations[PREFIX + "metrics"]) == [
        {"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}},
        {
            "type": "External",
            "external": {"metricName": "queue", "metricSelector": {"matchLabels": {"q": "a"}}, "targetValue": "30"},
        },
    ]
    assert json.loads(annotations[PREFIX + "behavior"])["ScaleUp"]["Policies"][0]["PeriodSeconds"] == 15


def test_annotations_that_cannot_be_read_say_nothing() -> None:
    given = autoscaler()
    given["apiVersion"] = "autoscaling/v1"
    given["metadata"]["annotations"] = {PREFIX + "metrics": "{", PREFIX + "behavior": "[]"}
    converted = convert(given, "autoscaling/v2")
    assert "metrics" not in converted["spec"]
    assert "annotations" not in converted["metadata"]
