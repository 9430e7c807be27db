"""A container's environment variables, from everything a spec can name."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import namespace_of
from cloudk8s.node.containers import env_files, expansion, fields
from cloudk8s.node.containers.fields import PodFacts
from cloudk8s.node.pods.pod import Container


class ConfigurationError(Exception):
    """What the container's description refers to is not there; shown as CreateContainerConfigError."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Objects that a pod refers to, by name; a missing one is None."""

    config_maps: Mapping[str, Object | None] = field(default_factory=dict)
    secrets: Mapping[str, Object | None] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    """Variables of services, made by `service_env`."""
    files: Mapping[tuple[str, str], str | None] = field(default_factory=dict)
    """Texts of files by volume and path; None where there is none."""


def environment(pod: Object, container: Container, sources: Sources, facts: PodFacts) -> dict[str, str]:
    """The variables in upstream's order of precedence: env, envFrom, services."""
    values: dict[str, str] = {}
    for entry in container.get("envFrom") or ():
        values |= _from_whole(pod, entry, sources)
    for entry in container.get("env") or ():
        value = _value(pod, container, entry, sources, facts, values)
        if value is not None:
            values[entry["name"]] = value
    return {**sources.services, **values}


def referenced(container: Container) -> tuple[set[str], set[str]]:
    """The names of the config maps and secrets that a container's environment reads."""
    config_maps, secrets = set(), set()
    for entry in container.get("envFrom") or ():
        config_maps |= {entry["configMapRef"]["name"]} if "configMapRef" in entry else set()
        secrets |= {entry["secretRef"]["name"]} if "secretRef" in entry else set()
    for entry in container.get("env") or ():
        origin = entry.get("valueFrom") or {}
        config_maps |= {origin["configMapKeyRef"]["name"]} if "configMapKeyRef" in origin else set()
        secrets |= {origin["secretKeyRef"]["name"]} if "secretKeyRef" in origin else set()
    return config_maps, secrets


def referenced_files(container: Container) -> set[tuple[str, str]]:
    """The files of volumes that a container's environment reads."""
    origins = ((entry.get("valueFrom") or {}).get("fileKeyRef") for entry in container.get("env") or ())
    return {(origin["volumeName"], origin["path"]) for origin in origins if origin}


def _from_whole(pod: Object, entry: Mapping[str, Any], sources: Sources) -> dict[str, str]:
    prefix = entry.get("prefix") or ""
    if reference := entry.get("configMapRef"):
        found = _find(sources.config_maps, reference, "configmap")
        data = {} if found is None else found.get("data") or {}
    elif reference := entry.get("secretRef"):
        found = _find(sources.secrets, reference, "secret")
        data = {} if found is None else {key: _decoded(value) for key, value in (found.get("data") or {}).items()}
    else:
        data = {}
    return {f"{prefix}{key}": value for key, value in data.items()}


def _value(
    pod: Object, container: Container, entry: Mapping[str, Any], sources: Sources, facts: PodFacts,
    values: Mapping[str, str],
) -> str | None:  # fmt: skip
    """The value of one variable; None where an optional source has none."""
    origin = entry.get("valueFrom")
    if not origin:
        return expansion.expand(entry.get("value") or "", values, sources.services)
    try:
        if "fieldRef" in origin:
            return fields.field_value(pod, origin["fieldRef"]["fieldPath"], facts)
        if "resourceFieldRef" in origin:
            return fields.resource_value(pod, container, origin["resourceFieldRef"], facts)
    except fields.FieldError as error:
        raise ConfigurationError(str(error)) from error
    if reference := origin.get("configMapKeyRef"):
        found = _find(sources.config_maps, reference, "configmap")
        return _key(found, reference, "ConfigMap", namespace_of(pod))
    if reference := origin.get("secretKeyRef"):
        found = _find(sources.secrets, reference, "secret")
        value = _key(found, reference, "Secret", namespace_of(pod))
        return None if value is None else _decoded(value)
    if reference := origin.get("fileKeyRef"):
        return _from_file(reference, sources)
    return ""


def _from_file(reference: Mapping[str, Any], sources: Sources) -> str | None:
    """A variable that another container of the pod has left in a file."""
    text = sources.files.get((reference["volumeName"], reference["path"]))
    where = f"file {reference['path']} of volume {reference['volumeName']}"
    try:
        value = None if text is None else env_files.parse(text).get(reference["key"])
    except env_files.EnvFileError as error:
        raise ConfigurationError(f"couldn't parse env file: {where}: {error}") from error
    if value is None and not reference.get("optional"):
        what = "no such file" if text is None else f"couldn't find key {reference['key']}"
        raise ConfigurationError(f"{what} in {where}" if text is not None else f"{where}: {what}")
    return value


def _find(objects: Mapping[str, Object | None], reference: Mapping[str, Any], kind: str) -> Object | None:
    found = objects.get(reference["name"])
    if found is None and not reference.get("optional"):
        raise ConfigurationError(f'{kind} "{reference["name"]}" not found')
    return found


def _key(found: Object | None, reference: Mapping[str, Any], kind: str, namespace: str) -> str | None:
    if found is None:
        return None
    data = found.get("data") or {}
    if reference["key"] in data:
        return str(data[reference["key"]])
    if reference.get("optional"):
        return None
    raise ConfigurationError(f"couldn't find key {reference['key']} in {kind} {namespace}/{reference['name']}")


def _decoded(value: str) -> str:
    """A secret's value; the surrogates give bytes that are not text back to the process as they are."""
    return base64.b64decode(value).decode("utf-8", "surrogateescape")
