"""How far a rollout may go at once: counts or percentages, and the strategies that hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required
from cloudk8s.api.validation import names
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_non_negative


def check_count_or_percent(errors: Errors, path: str, value: int | str) -> None:
    if isinstance(value, str):
        errors.extend(invalid(path, value, text) for text in names.percent(value))
    else:
        check_non_negative(errors, path, value)


def check_at_most_all(errors: Errors, path: str, value: int | str) -> None:
    """A percentage, where it is one, is at most 100."""
    if isinstance(value, str) and not names.percent(value) and int(value[:-1]) > 100:
        errors.append(invalid(path, value, "must not be greater than 100%"))


def check_deployment_strategy(errors: Errors, path: str, strategy: Mapping[str, Any]) -> None:
    rolling = strategy.get("rollingUpdate")
    match strategy.get("type"):
        case "Recreate":
            if rolling is not None:
                text = "may not be specified when strategy `type` is 'Recreate'"
                errors.append(forbidden(f"{path}.rollingUpdate", text))
        case "RollingUpdate":
            if rolling is None:
                errors.append(required(f"{path}.rollingUpdate", "this should be defaulted and never be nil"))
            else:
                _check_rolling_deployment(errors, f"{path}.rollingUpdate", rolling)
        case _:
            shown = go_json(strategy, "DeploymentStrategy")
            errors.append(not_supported(path, shown, ["Recreate", "RollingUpdate"]))


def check_daemon_set_strategy(errors: Errors, path: str, strategy: Mapping[str, Any]) -> None:
    match strategy.get("type"):
        case "OnDelete":
            pass
        case "RollingUpdate":
            if (rolling := strategy.get("rollingUpdate")) is None:
                errors.append(required(f"{path}.rollingUpdate"))
            else:
                _check_rolling_daemon_set(errors, f"{path}.rollingUpdate", rolling)
        case _:
            shown = go_json(strategy, "DaemonSetUpdateStrategy")
            errors.append(not_supported(path, shown, ["RollingUpdate", "OnDelete"]))


def check_stateful_set_strategy(errors: Errors, path: str, strategy: Mapping[str, Any]) -> None:
    rolling = strategy.get("rollingUpdate")
    match strategy.get("type") or "":
        case "":
            errors.append(required(path))
        case "OnDelete":
            if rolling is not None:
                text = "only allowed for updateStrategy 'RollingUpdate'"
                errors.append(invalid(f"{path}.rollingUpdate", go_json(rolling, "RollingUpdateStatefulSet"), text))
        case "RollingUpdate":
            if rolling is not None:
                _check_rolling_stateful_set(errors, f"{path}.rollingUpdate", rolling)
        case _:
            shown = go_json(strategy, "StatefulSetUpdateStrategy")
            errors.append(invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'"))


def _check_rolling_deployment(errors: Errors, path: str, rolling: Mapping[str, Any]) -> None:
    unavailable, surge = rolling.get("maxUnavailable") or 0, rolling.get("maxSurge") or 0
    check_count_or_percent(errors, f"{path}.maxUnavailable", unavailable)
    check_count_or_percent(errors, f"{path}.maxSurge", surge)
    if _number(unavailable) == 0 and _number(surge) == 0:
        errors.append(invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    check_at_most_all(errors, f"{path}.maxUnavailable", unavailable)


def _check_rolling_daemon_set(errors: Errors, path: str, rolling: Mapping[str, Any]) -> None:
    unavailable, surge = rolling.get("maxUnavailable") or 0, rolling.get("maxSurge") or 0
    check_count_or_percent(errors, f"{path}.maxUnavailable", unavailable)
    check_count_or_percent(errors, f"{path}.maxSurge", surge)
    check_at_most_all(errors, f"{path}.maxUnavailable", unavailable)
    check_at_most_all(errors, f"{path}.maxSurge", surge)
    has_unavailable, has_surge = _number(unavailable) != 0, _number(surge) != 0
    if has_unavailable and has_surge:
        errors.append(invalid(f"{path}.maxSurge", surge, "may not be set when maxUnavailable is non-zero"))
    elif not has_unavailable and not has_surge:
        errors.append(required(f"{path}.maxUnavailable", "cannot be 0 when maxSurge is 0"))


def _check_rolling_stateful_set(errors: Errors, path: str, rolling: Mapping[str, Any]) -> None:
    check_non_negative(errors, f"{path}.partition", rolling.get("partition"))
    if (unavailable := rolling.get("maxUnavailable")) is not None:
        check_count_or_percent(errors, f"{path}.maxUnavailable", unavailable)
        if _number(unavailable) == 0:
            errors.append(invalid(f"{path}.maxUnavailable", unavailable, "cannot be 0"))
        check_at_most_all(errors, f"{path}.maxUnavailable", unavailable)


def _number(value: int | str) -> int:
    """The number or the percentage's; what is neither counts as none."""
    if isinstance(value, int):
        return value
    digits = value.removesuffix("%")
    return int(digits) if digits.isascii() and digits.isdecimal() else 0
