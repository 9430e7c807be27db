"""Checks of a single value that every kind uses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from cloudk8s.api.field_errors import FieldError, invalid, not_supported, required
from cloudk8s.api.validation import names

Errors = list[FieldError]


def check_rule(errors: Errors, path: str, value: Any, rule: Callable[[Any], list[str]]) -> None:
    """One finding for each message of a name rule."""
    for text in rule(value):
        errors.append(invalid(path, value, text))


def check_non_negative(errors: Errors, path: str, value: int | None) -> None:
    if value is not None and value < 0:
        errors.append(invalid(path, value, names.NON_NEGATIVE))


def check_immutable(errors: Errors, path: str, new: Any, old: Any, shown: Any = None) -> None:
    """`shown` is how the new value is printed where that differs from the value itself."""
    if new != old:
        errors.append(invalid(path, new if shown is None else shown, names.IMMUTABLE))


def check_supported(errors: Errors, path: str, value: str | None, allowed: Collection[str]) -> None:
    """Required, and one of `allowed` (printed in its order, sets sorted)."""
    if not value:
        errors.append(required(path))
    elif value not in allowed:
        errors.append(not_supported(path, value, allowed))


def check_optional(errors: Errors, path: str, value: str | None, allowed: Collection[str]) -> None:
    """One of `allowed` where it is set at all."""
    if value is not None and value not in allowed:
        errors.append(not_supported(path, value, allowed))


def check_user_id(errors: Errors, path: str, value: int | None) -> None:
    """A user or group id."""
    if value is not None and not 0 <= value <= 2147483647:
        errors.append(invalid(path, value, names.ID_RANGE))


def check_port(errors: Errors, path: str, value: int) -> None:
    if not 1 <= value <= 65535:
        errors.append(invalid(path, value, names.PORT_RANGE))


def check_port_or_name(errors: Errors, path: str, value: int | str | None) -> None:
    if isinstance(value, str):
        check_rule(errors, path, value, names.port_name)
    else:
        check_port(errors, path, value or 0)


def check_fully_qualified(errors: Errors, path: str, value: str) -> None:
    """A DNS name of at least three parts, as webhooks are named."""
    if not value:
        errors.append(required(path))
    elif messages := names.dns_subdomain(value):
        errors.extend(invalid(path, value, text) for text in messages)
    elif value.count(".") < 2:
        errors.append(invalid(path, value, "should be a domain with at least three segments separated by dots"))


def check_domain_prefixed_path(errors: Errors, path: str, value: str) -> None:
    """`example.com/path`, as controllers of ingress classes are named."""
    if not value:
        errors.append(required(path))
        return
    host, slash, rest = value.partition("/")
    if not (slash and host and rest):
        errors.append(invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")'))
        return
    check_rule(errors, path, host, names.dns_subdomain)
    check_rule(errors, path, rest, names.http_path)
