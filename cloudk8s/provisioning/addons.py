"""Add-ons of a cluster file: manifests that are applied once the cluster's API answers, and again by every run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from cloudk8s.client.interface import Object
from cloudk8s.errors import CloudK8sError, UserError
from cloudk8s.provisioning.access import access_to, has_nodes
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site
from cloudk8s.provisioning.state import State

ATTEMPTS = 15
"""A second apart: how long definitions take until the API serves what they define."""
SUFFIXES = (".yaml", ".yml", ".json")


def read_addons(names: Iterable[str], directory: Path) -> list[Object]:
    """The objects of all manifests; names are relative to `directory`. Raises UserError for what can't be read."""
    return [obj for name in names for path in _files(name, directory) for obj in _objects(path)]


def apply_addons(site: Site, state: State, objects: Sequence[Object]) -> None:
    """Apply them all; raises CloudK8sError with what the cluster does not know, or refuses."""
    if not objects:
        return
    if not has_nodes(site, state):
        site.report(Event("note", "add-ons", "are applied where machines boot, and not in an emulated account"))
        return
    api = ClusterApi(access_to(site, state))
    try:
        _apply(site, api, objects)
    finally:
        api.close()
    site.report(Event("made", "add-ons", f"{len(objects)} objects applied"))


def _apply(site: Site, api: ClusterApi, objects: Sequence[Object]) -> None:
    left: Sequence[Object] = list(objects)
    for _ in range(ATTEMPTS):
        left = api.apply_manifests(left)
        if not left:
            return
        site.timer.pause(1.0)
    named = ", ".join(f"{obj['kind']} {obj['metadata'].get('name', '')}" for obj in left[:3])
    raise CloudK8sError(f"add-ons: the cluster serves nothing of this kind: {named}; is its definition missing?")


def _files(name: str, directory: Path) -> list[Path]:
    path = directory / name
    if path.is_dir():
        return sorted(entry for entry in path.rglob("*") if entry.suffix in SUFFIXES)
    if not path.is_file():
        raise UserError(f"addons: there is no file {path}; name a manifest, or a directory of manifests")
    return [path]


def _objects(path: Path) -> list[Object]:
    try:
        documents = list(yaml.safe_load_all(path.read_bytes()))
    except (OSError, yaml.YAMLError) as error:
        raise UserError(f"addons: {path}: {error}") from error
    found: list[Object] = []
    for document in documents:
        found += _unwrapped(document)
    for obj in found:
        if not all(obj.get(key) for key in ("apiVersion", "kind")) or not (obj.get("metadata") or {}).get("name"):
            raise UserError(f"addons: {path}: an object without apiVersion, kind or name")
    return found


def _unwrapped(document: Any) -> list[Object]:
    """A document, or the items of a List."""
    if not isinstance(document, dict):
        return []
    is_list = str(document.get("kind", "")).endswith("List") and "items" in document
    return list(document["items"]) if is_list else [document]
