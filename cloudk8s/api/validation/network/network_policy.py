"""NetworkPolicies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.addresses import Network, check_cidr, parse_cidr
from cloudk8s.api.validation.selectors import check_label_selector
from cloudk8s.api.validation.values import Errors, check_optional, check_port, check_rule

_PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
_TYPES: Final = ("Ingress", "Egress")


def check_network_policy_spec(errors: Errors, spec: Mapping[str, Any]) -> None:
    check_label_selector(errors, "spec.podSelector", spec.get("podSelector"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            path = f"spec.{direction}[{index}]"
            for position, port in enumerate(rule.get("ports") or ()):
                _check_port(errors, f"{path}.ports[{position}]", port)
            for position, peer in enumerate(rule.get(peers) or ()):
                _check_peer(errors, f"{path}.{peers}[{position}]", peer)
    types = spec.get("policyTypes") or []
    if len(types) > len(_TYPES):
        errors.append(invalid("spec.policyTypes", types, "may not specify more than two policyTypes"))
        return
    for index, item in enumerate(types):
        if item not in _TYPES:
            errors.append(not_supported(f"spec.policyTypes[{index}]", item, _TYPES))


def _check_port(errors: Errors, path: str, item: Mapping[str, Any]) -> None:
    check_optional(errors, f"{path}.protocol", item.get("protocol"), _PROTOCOLS)
    port, end = item.get("port"), item.get("endPort")
    at = f"{path}.endPort"
    if port is None:
        if end is not None:
            errors.append(invalid(at, end, "may not be specified when `port` is not specified"))
    elif isinstance(port, str):
        if end is not None:
            errors.append(invalid(at, end, "may not be specified when `port` is non-numeric"))
        check_rule(errors, f"{path}.port", port, names.port_name)
    else:
        check_port(errors, f"{path}.port", port)
        if end is not None:
            if end < port:
                errors.append(invalid(at, port, "must be greater than or equal to `port`"))
            check_port(errors, at, end)


def _check_peer(errors: Errors, path: str, peer: Mapping[str, Any]) -> None:
    count = 0
    for field in ("podSelector", "namespaceSelector"):
        if (selector := peer.get(field)) is not None:
            count += 1
            check_label_selector(errors, f"{path}.{field}", selector)
    block = peer.get("ipBlock")
    if block is not None:
        _check_block(errors, f"{path}.ipBlock", block)
        if count:
            errors.append(forbidden(path, "may not specify both ipBlock and another peer"))
    elif not count:
        errors.append(required(path, "must specify a peer"))


def _check_block(errors: Errors, path: str, block: Mapping[str, Any]) -> None:
    if not (cidr := block.get("cidr")):
        errors.append(required(f"{path}.cidr"))
        return
    check_cidr(errors, f"{path}.cidr", cidr)
    if (network := parse_cidr(cidr)) is None:
        return
    for index, text in enumerate(block.get("except") or ()):
        check_cidr(errors, f"{path}.except[{index}]", text)
        hole = parse_cidr(text)
        if hole is not None and not _is_part(hole, network):
            errors.append(invalid(f"{path}.except[{index}]", text, "must be a strict subset of `cidr`"))


def _is_part(hole: Network, network: Network) -> bool:
    return hole.version == network.version and hole.network_address in network and hole.prefixlen > network.prefixlen
