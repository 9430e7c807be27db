"""Addresses of Services: their own, external ones, and the ranges that may reach their load balancer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, invalid, not_supported, required
from cloudk8s.api.validation.addresses import check_cidr, check_ip, check_not_special, is_ipv6
from cloudk8s.api.validation.values import Errors, check_optional

SOURCE_RANGES: Final = "service.beta.kubernetes.io/load-balancer-source-ranges"
_FAMILIES: Final = frozenset({"IPv4", "IPv6"})
_FAMILY_POLICIES: Final = frozenset({"PreferDualStack", "RequireDualStack", "SingleStack"})
_BALANCER_ONLY: Final = "may only be used when `type` is 'LoadBalancer'"


def check_cluster_addresses(errors: Errors, spec: Mapping[str, Any]) -> None:
    if spec.get("type") == "ExternalName":
        return
    addresses, families = spec.get("clusterIPs") or [], spec.get("ipFamilies") or []
    _check_first_address(errors, spec.get("clusterIP") or "", addresses)
    for index, family in enumerate(families):
        if family not in _FAMILIES:
            errors.append(not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES))
        if family in families[:index]:
            errors.append(duplicate(f"spec.ipFamilies[{index}]", family))
    check_optional(errors, "spec.ipFamilyPolicy", spec.get("ipFamilyPolicy"), _FAMILY_POLICIES)
    if _check_each_address(errors, addresses):
        _check_stacks(errors, addresses, families)


def check_external_addresses(errors: Errors, addresses: Sequence[str]) -> None:
    for index, address in enumerate(addresses):
        count = len(errors)
        check_ip(errors, f"spec.externalIPs[{index}]", address)
        if len(errors) == count:
            check_not_special(errors, f"spec.externalIPs[{index}]", address)


def check_source_ranges(
    errors: Errors, spec: Mapping[str, Any], annotations: Mapping[str, str], old: Mapping[str, Any] | None
) -> None:
    """The field, or else the annotation that came before it; ranges may have spaces around them."""
    is_balancer = spec.get("type") == "LoadBalancer"
    if ranges := spec.get("loadBalancerSourceRanges"):
        path = "spec.LoadBalancerSourceRanges"
        if not is_balancer:
            errors.append(forbidden(path, _BALANCER_ONLY))
        for index, value in enumerate(ranges):
            check_cidr(errors, f"{path}[{index}]", value.strip())
        return
    if (text := annotations.get(SOURCE_RANGES)) is None:
        return
    path = f"metadata.annotations[{SOURCE_RANGES}]"
    if not is_balancer:
        errors.append(forbidden(path, _BALANCER_ONLY))
    before = ((old or {}).get("metadata") or {}).get("annotations") or {}
    if text.strip() and before.get(SOURCE_RANGES) != text:
        for value in text.split(","):
            check_cidr(errors, path, value.strip())


def _check_first_address(errors: Errors, address: str, addresses: Sequence[str]) -> None:
    if address and not addresses:
        errors.append(required("spec.clusterIPs", "must be set when `clusterIP` is specified"))
    elif addresses and not address:
        errors.append(required("spec.clusterIP", "must be set when `clusterIPs` is specified"))
    elif address and address != addresses[0]:
        errors.append(invalid("spec.clusterIPs", list(addresses), "element [0] must match clusterIP"))


def _check_each_address(errors: Errors, addresses: Sequence[str]) -> bool:
    """Whether all are addresses, so that their families can be compared."""
    path, count = "spec.clusterIPs", len(errors)
    for index, address in enumerate(addresses):
        if index == 0 and address == "None":
            if len(addresses) > 1:
                errors.append(invalid(path, list(addresses), "'None' must be the first and only value"))
                count += 1
        else:
            check_ip(errors, f"{path}[{index}]", address)
    are_valid = len(errors) == count
    if len(addresses) > 2:
        errors.append(invalid(path, list(addresses), "may only hold up to 2 values"))
    return are_valid


def _check_stacks(errors: Errors, addresses: Sequence[str], families: Sequence[str]) -> None:
    if len(addresses) > 1 and not (any(map(is_ipv6, addresses)) and not all(map(is_ipv6, addresses))):
        text = "may specify no more than one IP for each IP family"
        errors.append(invalid("spec.clusterIPs", list(addresses), text))
    if list(addresses) == ["None"]:
        return
    for index, (address, family) in enumerate(zip(addresses, families, strict=False)):
        if family in _FAMILIES and is_ipv6(address) != (family == "IPv6"):
            text = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            errors.append(invalid(f"spec.clusterIPs[{index}]", address, text))
