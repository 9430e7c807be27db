"""Nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cloudk8s.api.field_errors import duplicate, forbidden, internal, invalid
from cloudk8s.api.validation.addresses import check_cidr, parse_cidr
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.pod.scheduling import check_taints
from cloudk8s.api.validation.resources import check_quantity
from cloudk8s.api.validation.values import Errors

_ONCE: Final = 'node updates may not change {} except from "" to valid'


def check_node(errors: Errors, node: Mapping[str, Any]) -> None:
    """All but metadata, as it is created."""
    spec = node.get("spec") or {}
    check_taints(errors, "metadata.taints", spec.get("taints") or ())
    _check_resources(errors, node)
    cidrs = spec.get("podCIDRs") or ()
    for index, cidr in enumerate(cidrs):
        check_cidr(errors, f"spec.podCIDRs[{index}]", cidr)
    if len(cidrs) > 1:
        _check_stacks(errors, list(cidrs))


def check_node_changes(errors: Errors, new: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    spec, before = new.get("spec") or {}, old.get("spec") or {}
    _check_resources(errors, new)
    _check_addresses(errors, (new.get("status") or {}).get("addresses") or ())
    _check_pod_cidrs(errors, spec.get("podCIDRs") or [], before.get("podCIDRs") or [])
    if before.get("providerID") and before["providerID"] != spec.get("providerID"):
        errors.append(forbidden("spec.providerID", _ONCE.format("providerID")))
    check_taints(errors, "metadata.taints", spec.get("taints") or ())
    if spec.get("externalID") != before.get("externalID"):
        errors.append(forbidden("spec.externalID", "may not be updated"))


def _check_resources(errors: Errors, node: Mapping[str, Any]) -> None:
    status = node.get("status") or {}
    for field in ("capacity", "allocatable"):
        for name, amount in (status.get(field) or {}).items():
            check_quantity(errors, f"status.{field}.{name}", name, amount)


def _check_stacks(errors: Errors, cidrs: list[str]) -> None:
    networks = [parse_cidr(cidr) for cidr in cidrs]
    for index, network in enumerate(networks):
        if network is None:
            text = (
                "invalid PodCIDRs. failed to check with dual stack with error:"
                f"invalid CIDR[{index}]: <nil> (invalid CIDR address: {cidrs[index]})"
            )
            errors.append(internal("spec.podCIDRs", text))
            break
    if len(cidrs) > 2 or {network.version if network else 0 for network in networks} != {4, 6}:
        text = "may specify no more than one CIDR for each IP family"
        errors.append(invalid("spec.podCIDRs", cidrs, text))


def _check_addresses(errors: Errors, addresses: Sequence[Mapping[str, Any]]) -> None:
    seen: set[tuple[Any, Any]] = set()
    for index, address in enumerate(addresses):
        key = address.get("type"), address.get("address")
        if key in seen:
            errors.append(duplicate(f"status.addresses[{index}]", go_json(address, "NodeAddress")))
        seen.add(key)


def _check_pod_cidrs(errors: Errors, cidrs: list[str], before: list[str]) -> None:
    if not before:
        return
    text = _ONCE.format("podCIDR")
    if len(cidrs) != len(before):
        errors.append(forbidden("spec.podCIDRs", text))
        return
    for cidr, was in zip(cidrs, before, strict=True):
        if cidr != was:
            errors.append(forbidden("spec.podCIDRs", text))
