"""IPAddresses and ServiceCIDRs: what services get their addresses from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import invalid, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.addresses import check_strict_cidr, parse_cidr, strict_ip
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_immutable, check_rule


def address_name(value: str) -> list[str]:
    """An address in its one canonical form."""
    return strict_ip(value, canonical=True)


def check_parent(errors: Errors, spec: Mapping[str, Any]) -> None:
    parent = spec.get("parentRef")
    if parent is None:
        errors.append(required("spec.parentRef"))
        return
    if group := parent.get("group"):
        check_rule(errors, "spec.parentRef.group", group, names.dns_subdomain)
    for field in ("resource", "name"):
        if value := parent.get(field):
            check_rule(errors, f"spec.parentRef.{field}", value, names.path_segment)
        else:
            errors.append(required(f"spec.parentRef.{field}"))
    if namespace := parent.get("namespace"):
        check_rule(errors, "spec.parentRef.namespace", namespace, names.path_segment)


def check_parent_kept(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    parent = spec.get("parentRef")
    check_immutable(errors, "spec.parentRef", parent, old.get("parentRef"), go_json(parent, "*ParentReference"))


def check_ranges(errors: Errors, spec: Mapping[str, Any]) -> None:
    cidrs = spec.get("cidrs") or []
    if not cidrs:
        errors.append(required("spec.cidrs", "at least one CIDR required"))
        return
    shown = go_json(spec, "ServiceCIDRSpec")
    if len(cidrs) > 2:
        errors.append(invalid("spec.cidrs", shown, "may only hold up to 2 values"))
        return
    if len(cidrs) == 2 and {getattr(parse_cidr(cidr), "version", 0) for cidr in cidrs} != {4, 6}:
        text = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96"
        errors.append(invalid("spec.cidrs", shown, text))
        return
    for index, cidr in enumerate(cidrs):
        check_strict_cidr(errors, f"spec.cidrs[{index}]", cidr)


def check_ranges_kept(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    """A second range, of the other family, may be added."""
    cidrs, before = spec.get("cidrs") or [], old.get("cidrs") or []
    if len(cidrs) == len(before):
        for cidr, was in zip(cidrs, before, strict=True):
            check_immutable(errors, "spec.cidrs[0]", cidr, was)
    elif len(before) == 1 and len(cidrs) == 2:
        check_immutable(errors, "spec.cidrs[0]", cidrs[0], before[0])
        check_ranges(errors, spec)
    else:
        errors.append(invalid("spec.cidrs", cidrs, names.IMMUTABLE))
