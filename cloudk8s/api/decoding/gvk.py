"""Which type a body says it is, and what upstream says when it is another one than the request's."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import GroupVersion
from cloudk8s.errors import BadRequest

_OWN_SCHEMES: Final = {"apiextensions.k8s.io", "apiregistration.k8s.io"}
_SCHEME: Final = "pkg/api/legacyscheme/scheme.go:30"
_SUMMARY: Final = 30
_TYPE_META: Final = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)


class Expected(NamedTuple):
    """What a request's body has to be: the resource's kind, or that of a subresource (`Scale`, `Eviction`)."""

    group: str
    version: str
    kind: str

    @property
    def group_version(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)


def unrecognized(expected: Expected, problem: str, data: bytes) -> BadRequest:
    """The body does not even say what it is."""
    text = f"the object provided is unrecognized (must be of type {expected.kind}): {problem} ({_summary(data)})"
    return BadRequest(text)


def unmarshalled(expected: Expected, problem: str, data: bytes) -> BadRequest:
    """The body's type cannot be read."""
    return unrecognized(expected, f"couldn't get version/kind; json parse error: {problem}", data)


def no_object(value: Any) -> str:
    """What Go says of a body that is no object."""
    kind = "array" if isinstance(value, list) else "bool" if isinstance(value, bool) else "number"
    if isinstance(value, str):
        kind = "string"
    return f"json: cannot unmarshal {kind} into Go value of type {_TYPE_META}"


def no_string(field: str, value: Any) -> str:
    """What Go says of a kind or version that is no string."""
    kind = {dict: "object", list: "array", bool: "bool"}.get(type(value), "number")
    return f"json: cannot unmarshal {kind} into Go struct field .{field} of type string"


def no_kind(kind: object, api_version: object) -> str:
    """No built-in type is called so."""
    return f'no kind "{kind}" is registered for version "{api_version}" in scheme "{_SCHEME}"'


def refused(said: Expected, expected: Expected, problem: str) -> BadRequest:
    """The body's type is known, but this is no good object of the type expected."""
    return BadRequest(f'{said.kind} in version "{said.version}" cannot be handled as a {expected.kind}: {problem}')


def said_type(api_version: str, kind: str, expected: Expected) -> Expected | None:
    """The type that the body names, completed from the one expected; None where the version cannot be read."""
    if api_version.count("/") > 1:
        return None
    group, version = GroupVersion.parse(api_version)
    if not version and (not group or group == expected.group):
        group, version = expected.group, expected.version
    return Expected(group, version, kind or expected.kind)


def check_type(said: Expected, expected: Expected, registry: Registry | None) -> None:
    """Raise upstream's BadRequest where the body is of another type than the one expected.

    Without a registry, for custom kinds, only the version counts here; another kind is a finding of validation.
    """
    if said == expected or (registry is None and said.group_version == expected.group_version):
        return
    if registry is None:
        raise _other_version(said, expected)
    if not _is_known(said, expected, registry):
        raise refused(said, expected, no_kind(said.kind, str(said.group_version)))
    if _internal(said) != _internal(expected):
        text = f"converting ({said.version}.{said.kind}) to ({_internal(expected)}): unknown conversion"
        raise refused(said, expected, text)
    raise _other_version(said, expected)


def _other_version(said: Expected, expected: Expected) -> BadRequest:
    versions = (said.group_version, expected.group_version)
    return BadRequest("the API version in the data ({}) does not match the expected API version ({})".format(*versions))


def _is_known(said: Expected, expected: Expected, registry: Registry) -> bool:
    if (said.group in _OWN_SCHEMES or expected.group in _OWN_SCHEMES) and said.group != expected.group:
        return False
    if said.kind == "List":
        return said.group_version == ("", "v1")
    found = registry.lookup_kind(said.group, said.version, said.kind)
    if found is not None:
        return found.custom is None
    return registry.schema(said.group, said.version, said.kind) is not None


def _internal(type: Expected) -> str:
    """The Go name of the internal type, `core.Pod`."""
    if type.group == "events.k8s.io":
        return f"core.{type.kind}"
    return f"{type.group.removesuffix('.authorization.k8s.io').partition('.')[0] or 'core'}.{type.kind}"


def _summary(data: bytes) -> str:
    """The beginning of a body: text where it looks like JSON, else hexadecimal."""
    if not data:
        return "<empty>"
    head, more = data[:_SUMMARY], " ..." if len(data) > _SUMMARY else ""
    return (head.decode("utf-8", "replace") if data[:1] == b"{" else head.hex()) + more
