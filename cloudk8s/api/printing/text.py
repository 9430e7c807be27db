"""Small texts that many kinds print: ages, selectors, container lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cloudk8s.api.printing.layout import NONE, UNKNOWN
from cloudk8s.api.resource import Object
from cloudk8s.machinery import labels
from cloudk8s.machinery.times import human_duration, parse_time


def name_of(obj: Object) -> str:
    name: str = obj["metadata"]["name"]
    return name


def age_of(obj: Object, now: datetime) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def since(timestamp: str | None, now: datetime) -> str:
    """How long ago a time was, as `5m`; `<unknown>` without one."""
    return human_duration(now - parse_time(timestamp)) if timestamp else UNKNOWN


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector in text form."""
    if not selector or not (selector.get("matchLabels") or selector.get("matchExpressions")):
        return NONE
    return str(labels.from_object(selector))


def label_text(values: Mapping[str, str] | None) -> str:
    """Labels as `a=b,c=d`, sorted."""
    return ",".join(f"{key}={value}" for key, value in sorted((values or {}).items())) or NONE


def containers_of(pod_spec: Mapping[str, Any]) -> list[str]:
    """The two wide cells of a pod template: names and images."""
    containers = pod_spec.get("containers") or []
    names = ",".join(item["name"] for item in containers)
    return [names, ",".join(item.get("image", "") for item in containers)]


def joined(values: Iterable[Any], empty: str = NONE) -> str:
    return ",".join(str(value) for value in values) or empty


def yes_no(value: bool) -> str:
    """Go's way to write a bool in a text cell, as Python has it too."""
    return "True" if value else "False"
