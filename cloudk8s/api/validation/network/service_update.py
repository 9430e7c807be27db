"""What may change of a Service: a second address may come and go, the first stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import invalid
from cloudk8s.api.validation.network.service import check_balancer_class, is_headless
from cloudk8s.api.validation.values import Errors

_FIXED: Final = "may not change once set"


def check_service_changes(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    spec, before = new["spec"], old["spec"]
    if "ExternalName" not in (spec.get("type"), before.get("type")):
        was_headless, now_headless = is_headless(before), is_headless(spec)
        if not (was_headless and now_headless):
            _check_list(errors, spec, before, "clusterIPs", "primary clusterIP", "secondary clusterIP")
        if not was_headless and not now_headless:
            _check_list(errors, spec, before, "ipFamilies", "primary ipFamily", "secondary ipFamily")
    if spec.get("type") == before.get("type") == "LoadBalancer":
        name = spec.get("loadBalancerClass")
        if name != before.get("loadBalancerClass"):
            errors.append(invalid("spec.loadBalancerClass", name, _FIXED))
    check_balancer_class(errors, spec)


def _check_list(
    errors: Errors, spec: Mapping[str, Any], before: Mapping[str, Any], field: str, first: str, second: str
) -> None:
    now, was = spec.get(field) or [], before.get(field) or []
    path = f"spec.{field}"
    if len(now) == len(was):
        for index, item in enumerate(was):
            if item != now[index]:
                at = index if field == "clusterIPs" else 0
                errors.append(invalid(f"{path}[{at}]", now, _FIXED))
        return
    if not now:
        errors.append(invalid(f"{path}[0]", spec.get(field), f"{first} can not be unset"))
    elif was and now[0] != was[0]:
        errors.append(invalid(f"{path}[0]", spec.get("clusterIPs"), _FIXED))
    if len(now) < len(was) and len(now) == 1 and (policy := spec.get("ipFamilyPolicy")) != "SingleStack":
        text = f"must be set to 'SingleStack' when releasing the {second}"
        errors.append(invalid("spec.ipFamilyPolicy", policy, text))
