"""PriorityLevelConfigurations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation.flow_control.schema import EXEMPT
from cloudk8s.api.validation.values import Errors

_TYPES: Final = frozenset({"Exempt", "Limited"})
_RESPONSES: Final = frozenset({"Queue", "Reject"})
_QUEUES_MAX: Final = 10_000_000
_HASH_BITS: Final = 60
_NOT_NEGATIVE: Final = "must be a non-negative integer"


def check_priority_level_spec(errors: Errors, spec: Mapping[str, Any], name: str) -> None:
    kind, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    if (name == EXEMPT) != (kind == "Exempt"):
        text = "type must be 'Exempt' if and only if name is 'exempt'"
        errors.append(invalid("spec.type", kind, text))
    if kind == "Exempt":
        if limited is not None:
            errors.append(forbidden("spec.limited", "must be nil if the type is not Limited"))
        if exempt is not None:
            _check_shares(errors, "spec.exempt", exempt)
            _check_lendable(errors, "spec.exempt", exempt)
    elif kind == "Limited":
        if exempt is not None:
            errors.append(forbidden("spec.exempt", "must be nil if the type is Limited"))
        if limited is None:
            errors.append(required("spec.limited", "must not be empty when type is Limited"))
        else:
            _check_limited(errors, "spec.limited", limited)
    else:
        errors.append(not_supported("spec.type", kind, _TYPES))


def _check_limited(errors: Errors, path: str, limited: Mapping[str, Any]) -> None:
    _check_shares(errors, path, limited)
    _check_response(errors, f"{path}.limitResponse", limited.get("limitResponse") or {})
    _check_lendable(errors, path, limited)
    borrowed = limited.get("borrowingLimitPercent")
    if borrowed is not None and borrowed < 0:
        text = "if specified, must be a non-negative integer"
        errors.append(invalid(f"{path}.borrowingLimitPercent", borrowed, text))


def _check_shares(errors: Errors, path: str, level: Mapping[str, Any]) -> None:
    shares = level.get("nominalConcurrencyShares")
    if shares is not None and shares < 0:
        errors.append(invalid(f"{path}.nominalConcurrencyShares", shares, _NOT_NEGATIVE))


def _check_lendable(errors: Errors, path: str, level: Mapping[str, Any]) -> None:
    percent = level.get("lendablePercent")
    if percent is not None and not 0 <= percent <= 100:
        errors.append(invalid(f"{path}.lendablePercent", percent, "must be between 0 and 100, inclusive"))


def _check_response(errors: Errors, path: str, response: Mapping[str, Any]) -> None:
    kind, queuing = response.get("type") or "", response.get("queuing")
    if kind == "Reject":
        if queuing is not None:
            text = "must be nil if limited.limitResponse.type is not Limited"
            errors.append(forbidden(f"{path}.queuing", text))
    elif kind == "Queue":
        if queuing is None:
            text = "must not be empty if limited.limitResponse.type is Limited"
            errors.append(required(f"{path}.queuing", text))
        else:
            _check_queuing(errors, f"{path}.queuing", queuing)
    else:
        errors.append(not_supported(f"{path}.type", kind, _RESPONSES))


def _check_queuing(errors: Errors, path: str, queuing: Mapping[str, Any]) -> None:
    length, queues, hand = (queuing.get(field) or 0 for field in ("queueLengthLimit", "queues", "handSize"))
    if length <= 0:
        errors.append(invalid(f"{path}.queueLengthLimit", length, "must be positive"))
    if queues <= 0:
        errors.append(invalid(f"{path}.queues", queues, "must be positive"))
    elif queues > _QUEUES_MAX:
        errors.append(invalid(f"{path}.queues", queues, f"must not be greater than {_QUEUES_MAX}"))
    if hand <= 0:
        errors.append(invalid(f"{path}.handSize", hand, "must be positive"))
    elif hand > queues:
        errors.append(invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})"))
    elif _entropy_bits(queues, hand) > _HASH_BITS:
        text = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {_HASH_BITS}"
        errors.append(invalid(f"{path}.handSize", hand, text))


def _entropy_bits(queues: int, hand: int) -> int:
    """How many bits of a hash a hand of queues takes."""
    return math.ceil(sum(math.log2(queues - index) for index in range(hand)))
