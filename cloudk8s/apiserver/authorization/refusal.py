"""The answer to who may not, in upstream's words."""

from __future__ import annotations

from cloudk8s.apiserver.authorization.interface import Attributes, Decision
from cloudk8s.errors import Forbidden


def forbidden(attributes: Attributes, decision: Decision) -> Forbidden:
    """403 for a request that was not allowed."""
    text = f"User {quoted(attributes.user.name)} cannot {attributes.verb} {_what(attributes)}"
    if decision.reason:
        text = f"{text}: {decision.reason}"
    return forbidden_object(attributes.group, attributes.resource, attributes.name, text)


def forbidden_object(group: str, resource: str, name: str, text: str) -> Forbidden:
    """403 about a resource, an object of it, or neither."""
    qualified = f"{resource}.{group}" if group else resource
    subject = f"{qualified} {quoted(name)} is " if name and resource else f"{qualified} is " if resource else ""
    message, fields = f"{subject}forbidden: {text}", {"name": name, "group": group, "kind": resource}
    details = {key: value for key, value in fields.items() if value}
    status = Forbidden(message).status
    code = status.pop("code")
    return Forbidden(message, details=details, status=status | {"details": details, "code": code})


def quoted(text: str) -> str:
    """As Go's `%q`, for the characters that names have."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def _what(attributes: Attributes) -> str:
    if attributes.path:
        return f"path {quoted(attributes.path)}"
    resource = attributes.resource
    if attributes.subresource:
        resource = f"{resource}/{attributes.subresource}"
    scope = f"in the namespace {quoted(attributes.namespace)}" if attributes.namespace else "at the cluster scope"
    return f"resource {quoted(resource)} in API group {quoted(attributes.group)} {scope}"
