"""The downward API: fields of a pod, resources of a container."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, labels_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.machinery import quantity
from cloudk8s.machinery.quantity import Quantity
from cloudk8s.node.pods import pod as pods

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]")
_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b",
            "\f": "\\f", "\v": "\\v"}  # fmt: skip


class FieldError(LookupError):
    """The pod has no such field."""


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What the downward API shows and only the node knows."""

    pod_ips: Sequence[str] = ()
    host_ips: Sequence[str] = ()
    allocatable: Mapping[str, str] | None = None


def field_value(pod: Object, path: str, facts: PodFacts) -> str:
    """The value of a `fieldRef`."""
    if match := _SUBSCRIPT.fullmatch(path):
        source = labels_of(pod) if match[1] == "labels" else annotations_of(pod)
        return source.get(match[2], "")
    readers = {
        "metadata.name": lambda: name_of(pod),
        "metadata.namespace": lambda: namespace_of(pod),
        "metadata.uid": lambda: uid_of(pod),
        "metadata.labels": lambda: format_map(labels_of(pod)),
        "metadata.annotations": lambda: format_map(annotations_of(pod)),
        "spec.nodeName": lambda: str(spec_of(pod).get("nodeName", "")),
        "spec.serviceAccountName": lambda: str(spec_of(pod).get("serviceAccountName", "")),
        "status.podIP": lambda: next(iter(facts.pod_ips), ""),
        "status.podIPs": lambda: ",".join(facts.pod_ips),
        "status.hostIP": lambda: next(iter(facts.host_ips), ""),
        "status.hostIPs": lambda: ",".join(facts.host_ips),
    }
    if path not in readers:
        raise FieldError(f"unsupported fieldPath: {path}")
    return readers[path]()


def format_map(values: Mapping[str, str]) -> str:
    """`key="value"` lines, sorted by key."""
    return "\n".join(f"{key}={_quoted(values[key])}" for key in sorted(values))


def resource_value(pod: Object, container: pods.Container | None, reference: Mapping[str, Any], facts: PodFacts) -> str:
    """The value of a `resourceFieldRef`, in units of its divisor, rounded up."""
    name = reference.get("containerName")
    if name:
        container = pods.find_container(pod, name)
    if container is None:
        raise FieldError(f"container {name} not found")
    resource = str(reference["resource"])
    kind, _, what = resource.partition(".")
    if kind not in ("limits", "requests"):
        raise FieldError(f"unsupported container resource : {resource}")
    amount = _amount(container, kind, what, facts)
    divisor = quantity.parse(reference.get("divisor") or "0") or Quantity.of(1)
    return str(-(-amount.nanos // divisor.nanos))


def _amount(container: pods.Container, kind: str, what: str, facts: PodFacts) -> Quantity:
    text = ((container.get("resources") or {}).get(kind) or {}).get(what)
    if text is not None:
        return quantity.parse(text)
    if kind == "limits" and what in ("cpu", "memory", "ephemeral-storage") and facts.allocatable:
        return quantity.parse(facts.allocatable.get(what, "0"))
    return quantity.ZERO


def _quoted(text: str) -> str:
    """Go's `%q`."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
