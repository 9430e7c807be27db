"""`metrics.k8s.io`: what nodes and pods use."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import Heading, Layout
from cloudk8s.api.printing.text import name_of
from cloudk8s.api.resource import Object
from cloudk8s.machinery.quantity import ZERO, Quantity, parse

_HEADINGS: Final = (
    Heading("Name", "=Name of the resource", format="name"),
    Heading("cpu", "=", format="quantity"),
    Heading("memory", "=", format="quantity"),
    Heading("Window", "=", format="duration"),
)


def _node(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), obj["usage"]["cpu"], obj["usage"]["memory"], obj["window"]]


def _pod(obj: Object, now: datetime) -> list[Any]:
    return [name_of(obj), str(_total(obj, "cpu")), str(_total(obj, "memory")), obj["window"]]


def _total(pod: Object, resource: str) -> Quantity:
    return sum((parse(container["usage"][resource]) for container in pod["containers"]), ZERO)


TABLE: Final = {
    ("metrics.k8s.io", "nodes"): Layout(_HEADINGS, _node),
    ("metrics.k8s.io", "pods"): Layout(_HEADINGS, _pod),
}
