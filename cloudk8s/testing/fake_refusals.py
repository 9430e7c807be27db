"""What `FakeClient` refuses, in upstream's words."""

from __future__ import annotations

from typing import Any

from cloudk8s.client.interface import Object, Resource
from cloudk8s.errors import AlreadyExists, Conflict, Forbidden, NotFound

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def not_found(resource: Resource, name: str) -> NotFound:
    return NotFound(f'{_qualified(resource)} "{name}" not found', details=_details(resource, name))


def already_exists(resource: Resource, name: str) -> AlreadyExists:
    return AlreadyExists(f'{_qualified(resource)} "{name}" already exists', details=_details(resource, name))


def conflict(resource: Resource, name: str, message: str) -> Conflict:
    text = f'Operation cannot be fulfilled on {_qualified(resource)} "{name}": {message}'
    return Conflict(text, details=_details(resource, name))


def check_precondition(resource: Resource, held: Object, field: str, wanted: str | None, message: str) -> None:
    """Raise Conflict if the object is not the one, or not as, the request takes it for."""
    if wanted and wanted != held["metadata"][field]:
        raise conflict(resource, held["metadata"]["name"], message)


def check_namespace(namespace: str, found: Object | None, *, must_exist: bool) -> None:
    """Raise where nothing can be created in a namespace."""
    if found is None and must_exist:
        raise NotFound(f'namespaces "{namespace}" not found', details={"name": namespace, "kind": "namespaces"})
    if found is not None and found["metadata"].get("deletionTimestamp"):
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        raise Forbidden(
            f"unable to create new content in namespace {namespace} because it is being terminated",
            details={"causes": [cause]},
        )


def _qualified(resource: Resource) -> str:
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _details(resource: Resource, name: str) -> dict[str, Any]:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {field: value for field, value in details.items() if value}
