"""Upstream's wording of the failures that every resource shares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cloudk8s.api.field_errors import FieldError, aggregate
from cloudk8s.api.resource import ResourceType
from cloudk8s.errors import (
    AlreadyExists,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    StatusError,
)

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def qualified(resource: ResourceType, subresource: str = "") -> str:
    """`deployments.apps`, `pods`, `pods/binding`."""
    plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
    return f"{plural}.{resource.group}" if resource.group else plural


def details(resource: ResourceType, name: str, *, kind: str = "") -> dict[str, Any]:
    """`Status.details` of a failure about one object."""
    result = {"name": name, "group": resource.group, "kind": kind or resource.plural}
    return {key: value for key, value in result.items() if value}


def not_found(resource: ResourceType, name: str) -> NotFound:
    return NotFound(f'{qualified(resource)} "{name}" not found', details=details(resource, name))


def no_such_path() -> NotFound:
    error = NotFound("the server could not find the requested resource")
    return NotFound(error.message, status=error.status | {"details": {}})


def method_not_allowed() -> MethodNotAllowed:
    error = MethodNotAllowed("the server does not allow this method on the requested resource")
    return MethodNotAllowed(error.message, status=error.status | {"details": {}})


def already_exists(resource: ResourceType, name: str) -> AlreadyExists:
    return AlreadyExists(f'{qualified(resource)} "{name}" already exists', details=details(resource, name))


def no_unique_name(resource: ResourceType, name: str) -> AlreadyExists:
    """Upstream's `NewGenerateNameConflict`."""
    said = f'{qualified(resource)} "{name}" already exists, '
    message = said + "the server was not able to generate a unique name for the object"
    return AlreadyExists(message, details=details(resource, name), retry_after=timedelta(seconds=1))


def conflict(resource: ResourceType, name: str, reason: str = MODIFIED, subresource: str = "") -> Conflict:
    kind = f"{resource.plural}/{subresource}" if subresource else resource.plural
    message = f'Operation cannot be fulfilled on {qualified(resource, subresource)} "{name}": {reason}'
    return Conflict(message, details=details(resource, name, kind=kind))


def forbidden(resource: ResourceType, name: str, reason: str) -> Forbidden:
    subject = f'{qualified(resource)} "{name}"' if name else qualified(resource)
    return Forbidden(f"{subject} is forbidden: {reason}", details=details(resource, name))


def invalid(kind: str, group: str, name: str, errors: Sequence[FieldError]) -> Invalid:
    """422 with a cause for each finding."""
    qualified_kind = f"{kind}.{group}" if group else kind
    fields = {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}
    message = f'{qualified_kind} "{name}" is invalid: {aggregate(errors)}'
    causes = [error.as_cause() for error in errors]
    return Invalid(message, details=fields, causes=causes)


def invalid_object(resource: ResourceType, name: str, errors: Sequence[FieldError]) -> Invalid:
    return invalid(resource.kind, resource.group, name, errors)


def rejected() -> Invalid:
    """Upstream's answer to a JSON patch that cannot be applied."""
    error = Invalid("the server rejected our request due to an error in our request")
    return Invalid(error.message, status=error.status | {"details": {}})


def expired(message: str) -> Expired:
    return Expired(message)


def plain_error(message: str) -> StatusError:
    """Upstream's answer to an error that is no Status: 500 without a reason."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "code": 500,
    }
    return StatusError(message, status=status)
