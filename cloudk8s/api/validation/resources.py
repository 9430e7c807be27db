"""Compute resources: their names, amounts, and requests against limits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cloudk8s.api.field_errors import FieldError, duplicate, forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.values import Errors, check_rule
from cloudk8s.machinery.quantity import Quantity, parse

COUNTED: Final = frozenset(
    {
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    }
)  # fmt: skip
COMPUTE: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
QUOTA: Final = COUNTED | COMPUTE | {
    "requests.cpu", "requests.memory", "requests.storage", "requests.ephemeral-storage",
    "limits.cpu", "limits.memory", "limits.ephemeral-storage",
}  # fmt: skip
STANDARD: Final = QUOTA | {"storage"}
HUGE_PAGES: Final = "hugepages-"
POD_LEVEL: Final = frozenset({"cpu", "memory"})


def is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def is_huge_page(name: str) -> bool:
    return name.startswith(HUGE_PAGES)


def is_overcommit_allowed(name: str) -> bool:
    return is_native(name) and not is_huge_page(name)


def is_standard_quota(name: str) -> bool:
    return name in QUOTA or name.startswith((HUGE_PAGES, "requests." + HUGE_PAGES))


@lru_cache(maxsize=1024)
def is_extended(name: str) -> bool:
    """A resource of a device plugin or an administrator."""
    return not is_native(name) and not name.startswith("requests.") and names.is_qualified_name("requests." + name)


def is_integer(name: str) -> bool:
    return name in COUNTED or is_extended(name)


def check_quantity(errors: Errors, path: str, name: str, amount: Any) -> None:
    """Not negative, and whole where the resource is counted."""
    quantity = parse(amount)
    if quantity.nanos < 0:
        errors.append(invalid(path, str(quantity), names.NON_NEGATIVE))
    if quantity.nanos % 10**9 and is_integer(name) and quantity.milli_value % 1000:
        errors.append(invalid(path, str(quantity), "must be an integer"))


def check_positive(errors: Errors, path: str, amount: Any) -> None:
    quantity = parse(amount)
    if quantity.nanos <= 0:
        errors.append(invalid(path, str(quantity), "must be greater than zero"))


def check_basic(errors: Errors, path: str, amount: Any) -> None:
    if (value := parse(amount).value) < 0:
        errors.append(invalid(path, value, "must be a valid resource quantity"))


def check_name(errors: Errors, path: str, name: str) -> bool:
    """Standard or fully qualified; tells whether it is."""
    if not names.is_qualified_name(name):
        check_rule(errors, path, name, names.qualified_name)
        return False
    if "/" not in name and name not in STANDARD and not is_standard_quota(name):
        errors.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        return False
    return True


def check_container_name(errors: Errors, path: str, name: str) -> None:
    if name in COMPUTE:
        return
    check_name(errors, path, name)
    if "/" not in name:
        if not is_huge_page(name):
            errors.append(invalid(path, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        errors.append(invalid(path, name, "doesn't follow extended resource name standard"))


def check_pod_level_name(errors: Errors, path: str, name: str) -> None:
    if check_name(errors, path, name) and name not in POD_LEVEL and not is_huge_page(name):
        errors.append(not_supported(path, name, POD_LEVEL))


def check_quota_name(errors: Errors, path: str, name: str) -> None:
    check_name(errors, path, name)
    if "/" not in name and not is_standard_quota(name):
        errors.append(invalid(path, name, "must be a standard resource for quota"))


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is asked of a `resources` struct: which names it may use, which claims it may refer to."""

    check_name: Callable[[Errors, str, str], None] = check_container_name
    claims: Collection[str] = ()


CONTAINER: Final = Requirements()


def check_requirements(errors: Errors, path: str, resources: Mapping[str, Any], rules: Requirements) -> None:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for name, amount in limits.items():
        _check_amount(errors, f"{path}.limits", name, amount, rules)
    for name, amount in requests.items():
        _check_amount(errors, f"{path}.requests", name, amount, rules, limits=limits, path=path)
    used = limits.keys() | requests.keys()
    if any(map(is_huge_page, used)) and not used & {"cpu", "memory"}:
        errors.append(forbidden(path, "HugePages require cpu or memory"))
    if claims := resources.get("claims"):
        _check_claims(errors, f"{path}.claims", claims, rules.claims)


def _check_amount(
    errors: Errors,
    list_path: str,
    name: str,
    amount: Any,
    rules: Requirements,
    *,
    limits: Mapping[str, Any] | None = None,
    path: str = "",
) -> None:
    quantity = parse(amount)
    if quantity.nanos >= 0 and name in POD_LEVEL and (limits is None or _within(name, quantity, limits)):
        return
    item_path = f"{list_path}[{name}]"
    rules.check_name(errors, item_path, name)
    check_quantity(errors, item_path, name, amount)
    if limits is not None:
        _check_limit(errors, path, name, quantity, limits)
    if is_huge_page(name) and not _is_whole_pages(name, quantity):
        errors.append(invalid(item_path, str(quantity), f"{quantity} is not positive integer multiple of {name}"))


def _within(name: str, quantity: Quantity, limits: Mapping[str, Any]) -> bool:
    return name not in limits or quantity.nanos <= parse(limits[name]).nanos


def _check_limit(errors: Errors, path: str, name: str, quantity: Quantity, limits: Mapping[str, Any]) -> None:
    if name not in limits:
        if not is_overcommit_allowed(name):
            errors.append(required(f"{path}.limits", "Limit must be set for non overcommitable resources"))
        return
    limit = parse(limits[name])
    if quantity != limit and not is_overcommit_allowed(name):
        errors.append(invalid(f"{path}.requests", str(quantity), f"must be equal to {name} limit of {limit}"))
    elif quantity > limit:
        text = f"must be less than or equal to {name} limit of {limit}"
        errors.append(invalid(f"{path}.requests", str(quantity), text))


def _is_whole_pages(name: str, quantity: Quantity) -> bool:
    try:
        size = parse(name.removeprefix(HUGE_PAGES))
    except ValueError:
        return False
    return size.nanos > 0 and size.milli_value % 1000 == 0 and quantity.value % size.value == 0


def _check_claims(errors: Errors, path: str, claims: Sequence[Mapping[str, Any]], known: Collection[str]) -> None:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        name, request = claim.get("name") or "", claim.get("request") or ""
        if not name:
            errors.append(required(f"{path}[{index}]"))
            continue
        if name in seen:
            errors.append(duplicate(f"{path}[{index}]", name))
        else:
            seen.add(_check_claim(errors, f"{path}[{index}]", name, request, seen))
        if name not in known:
            detail = "must be one of the names in pod.spec.resourceClaims"
            detail += ": " + ", ".join(sorted(known)) if known else " which is empty"
            errors.append(FieldError("FieldValueNotFound", f"{path}[{index}]", f'Not found: "{name}": {detail}'))


def _check_claim(errors: Errors, path: str, name: str, request: str, seen: set[str]) -> str:
    key = f"{name}/{request}" if request else name
    if request:
        check_rule(errors, f"{path}.request", request, names.dns_label)
    if key in seen:
        errors.append(duplicate(path, key))
    elif not request:
        for other in seen:
            if "/" in other and other.partition("/")[0] == name:
                errors.append(duplicate(path, name))
    return key
