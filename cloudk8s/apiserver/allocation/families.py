"""IP families of a Service: what an empty or partial choice means (upstream's `initIPFamilyFields`)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from cloudk8s.api.field_errors import FieldError, invalid

Spec = dict[str, Any]
_NOT_DUAL = "this cluster is not configured for dual-stack services"


def normalize(spec: Spec, old: Spec | None) -> None:
    """Keep `clusterIP` and the first of `clusterIPs` the same, whichever the client set."""
    single, many = spec.get("clusterIP") or "", spec.get("clusterIPs") or []
    if old is None:
        if single and not many:
            spec["clusterIPs"] = [single]
        elif many and not single:
            spec["clusterIP"] = many[0]
        return
    old_single, old_many = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if single == old_single or (many and many != old_many):
        return
    if single:
        spec["clusterIPs"] = [single]
    else:
        spec.pop("clusterIPs", None)


def complete(spec: Spec, configured: list[str], *, is_new: bool) -> list[FieldError]:
    """Fill in `ipFamilies` and `ipFamilyPolicy`; findings for what this cluster cannot do."""
    addresses = [item for item in spec.get("clusterIPs") or [] if item]
    headless = addresses[:1] == ["None"]
    families: list[str] = list(spec.get("ipFamilies") or [])
    if headless and not spec.get("selector") and not families and not spec.get("ipFamilyPolicy"):
        spec["ipFamilies"] = [configured[0], "IPv6" if configured[0] == "IPv4" else "IPv4"]
        spec["ipFamilyPolicy"] = "RequireDualStack"
        return []
    given = [] if headless else [_family(item) for item in addresses]
    for index, family in enumerate(given):
        if index >= len(families):
            families.append(family)
    policy = spec.get("ipFamilyPolicy") or ("RequireDualStack" if len(families) > 1 else "SingleStack")
    errors = _check(policy, families, configured, bool(headless and not spec.get("selector")))
    if errors:
        return errors
    families = families or [configured[0]]
    if policy in ("PreferDualStack", "RequireDualStack") and len(families) == 1 and len(configured) > 1:
        families.append(next(family for family in configured if family != families[0]))
    if policy == "SingleStack" and not is_new:
        families = families[:1]
    spec["ipFamilies"], spec["ipFamilyPolicy"] = families, policy
    return []


def _check(policy: str, families: list[str], configured: list[str], is_free: bool) -> list[FieldError]:
    if is_free:
        return []
    errors = [
        invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster")
        for index, family in enumerate(families)
        if family not in configured
    ]
    if policy == "RequireDualStack" and len(configured) < 2:
        errors.append(invalid("spec.ipFamilyPolicy", policy, _NOT_DUAL))
    return errors


def are_readable(spec: Spec) -> bool:
    """Whether addresses and families can be understood at all; if not, validation says what is wrong."""
    if any(family not in ("IPv4", "IPv6") for family in spec.get("ipFamilies") or []):
        return False
    addresses = spec.get("clusterIPs") or []
    return addresses[:1] == ["None"] or all(_is_address(item) for item in addresses)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _family(text: str) -> str:
    return "IPv6" if ":" in text else "IPv4"
