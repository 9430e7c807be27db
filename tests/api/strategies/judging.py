"""Runs objects through a kind's strategy as the API server does, for tables of refused objects."""

from __future__ import annotations

import copy
from typing import Any

from cloudk8s.api.strategies import strategies

UID = "11111111-2222-4333-8444-555555555555"
POD = {"containers": [{"name": "main", "image": "app:1"}]}


def template(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "web"}}, "spec": {**copy.deepcopy(POD), **spec}}


def made(api_version: str, kind: str, **body: Any) -> dict[str, Any]:
    """An object as it looks before validation."""
    group = api_version.rpartition("/")[0]
    strategy: Any = strategies()[group, kind]
    obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, **copy.deepcopy(body)}
    if strategy.namespaced:
        obj["metadata"].setdefault("namespace", "default")
    obj["metadata"]["uid"] = UID
    strategy.set_defaults(obj)
    strategy.prepare_create(obj)
    return obj


def refused(api_version: str, kind: str, **body: Any) -> list[str]:
    """The findings about a new object, as texts."""
    obj = made(api_version, kind, **body)
    strategy = strategies()[api_version.rpartition("/")[0], kind]
    return [str(error) for error in strategy.validate_create(obj)]


def changed(old: dict[str, Any], subresource: str = "", **body: Any) -> list[str]:
    """The findings about an update that replaces parts of an object."""
    strategy = strategies()[old["apiVersion"].rpartition("/")[0], old["kind"]]
    new = {**copy.deepcopy(old), **copy.deepcopy(body)}
    strategy.set_defaults(new)
    strategy.prepare_update(new, old, subresource)
    return [str(error) for error in strategy.validate_update(new, old, subresource)]
