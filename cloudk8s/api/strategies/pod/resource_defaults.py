"""Defaults of compute resources: amounts are multiples of a thousandth, and pods ask for what their containers do."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.validation.pod.levels import container_requests
from cloudk8s.api.validation.resources import POD_LEVEL, is_huge_page
from cloudk8s.machinery.quantity import Quantity, parse


def round_up(amounts: dict[str, Any] | None) -> None:
    """Round what is finer than a thousandth; amounts are in their canonical form, which shows whether they are."""
    for name, amount in (amounts or {}).items():
        if isinstance(amount, str) and amount and (amount[-1] in "un" or "e-" in amount):
            quantity = parse(amount)
            amounts[name] = str(Quantity.of_milli(quantity.milli_value, quantity.format))  # type: ignore[index]


def default_pod_resources(resources: dict[str, Any], spec: dict[str, Any]) -> None:
    """Resources of the pod as a whole, where some are given: the rest follows from its containers and its limits."""
    limits, requests = dict(resources.get("limits") or {}), dict(resources.get("requests") or {})
    if not limits and not requests:
        return
    for name, total in container_requests(spec, "limits").items():
        if is_huge_page(name) and name not in requests:
            limits.setdefault(name, str(total))
    if limits:
        resources["limits"] = limits
        for name, total in container_requests(spec).items():
            if name in POD_LEVEL:
                requests.setdefault(name, str(total))
        for name, amount in limits.items():
            if name in POD_LEVEL or is_huge_page(name):
                requests.setdefault(name, amount)
    if requests:
        resources["requests"] = requests
