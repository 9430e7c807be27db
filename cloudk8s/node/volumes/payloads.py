"""The files of configuration volumes: pure functions of the objects they are made from."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.node.containers import fields
from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.volumes.atomic_writer import File
from cloudk8s.node.volumes.interface import VolumeError

DEFAULT_MODE = 0o644

Payload = dict[str, File]
Source = Mapping[str, Any]


def config_map(found: Object | None, source: Source, *, default_mode: int) -> Payload:
    """The keys of a config map, or those that `items` chooses."""
    if found is None:
        return {}
    values = {key: text.encode() for key, text in (found.get("data") or {}).items()}
    values |= {key: base64.b64decode(text) for key, text in (found.get("binaryData") or {}).items()}
    return _chosen(values, source, default_mode, "configmap references non-existent config key: {}")


def secret(found: Object | None, source: Source, *, default_mode: int) -> Payload:
    """The keys of a secret, or those that `items` chooses."""
    if found is None:
        return {}
    values = {key: base64.b64decode(text) for key, text in (found.get("data") or {}).items()}
    return _chosen(values, source, default_mode, "references non-existent secret key: {}")


def downward_api(pod: Object, items: Sequence[Source], facts: PodFacts, *, default_mode: int) -> Payload:
    """Fields of the pod and resources of its containers."""
    payload: Payload = {}
    for item in items:
        try:
            text = _downward_value(pod, item, facts)
        except fields.FieldError as error:
            raise VolumeError(str(error)) from error
        payload[item["path"]] = File(text.encode(), _mode(item, default_mode))
    return payload


def _downward_value(pod: Object, item: Source, facts: PodFacts) -> str:
    if "fieldRef" in item:
        return fields.field_value(pod, item["fieldRef"]["fieldPath"], facts)
    return fields.resource_value(pod, None, item["resourceFieldRef"], facts)


def _chosen(values: Mapping[str, bytes], source: Source, default_mode: int, error: str) -> Payload:
    items = source.get("items")
    if not items:
        return {key: File(value, default_mode) for key, value in values.items()}
    payload: Payload = {}
    for item in items:
        if item["key"] in values:
            payload[item["path"]] = File(values[item["key"]], _mode(item, default_mode))
        elif not source.get("optional"):
            raise VolumeError(error.format(item["key"]))
    return payload


def _mode(item: Source, default: int) -> int:
    mode = item.get("mode")
    return default if mode is None else int(mode)
