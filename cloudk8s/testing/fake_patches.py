"""Patches as far as `FakeClient` needs them: merge, JSON, and strategic merge by the usual keys."""

from __future__ import annotations

from typing import Any

from cloudk8s.errors import BadRequest, Invalid
from cloudk8s.machinery import codec

_MERGE_KEYS = {
    "conditions": "type", "containers": "name", "initContainers": "name", "env": "name", "ports": "containerPort",
    "volumes": "name", "volumeMounts": "mountPath", "ownerReferences": "uid", "taints": "key", "addresses": "type",
    "containerStatuses": "name", "imagePullSecrets": "name", "secrets": "name",
}  # fmt: skip
_PRIMITIVE = frozenset({"finalizers"})


def patched(obj: Any, patch: Any, type: str) -> Any:
    """A patched copy; `obj` stays as it is."""
    if type == "json":
        return _json(codec.copy(obj), patch)
    if not isinstance(patch, dict):
        raise BadRequest("a merge patch must be an object")
    return _merge(codec.copy(obj), codec.copy(patch), strategic=type in ("strategic", "apply"))


def _merge(target: Any, patch: Any, *, strategic: bool) -> Any:
    if not isinstance(patch, dict):
        return patch
    if not isinstance(target, dict) or patch.get("$patch") == "replace":
        target = {}
    for key, value in patch.items():
        if key.startswith(("$setElementOrder/", "$retainKeys", "$patch")):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            target[name] = [item for item in target.get(name, []) if item not in value]
        elif value is None:
            target.pop(key, None)
        elif strategic and isinstance(value, list) and key in _MERGE_KEYS:
            target[key] = _merge_list(target.get(key) or [], value, _MERGE_KEYS[key])
        elif strategic and key in _PRIMITIVE:
            target[key] = list(dict.fromkeys([*(target.get(key) or []), *value]))
        else:
            target[key] = _merge(target.get(key), value, strategic=strategic)
    return target


def _merge_list(target: list[Any], patch: list[Any], merge_key: str) -> list[Any]:
    result = list(target)
    for item in patch:
        if item.get("$patch") == "replace":
            return [other for other in patch if "$patch" not in other]
        at = next((i for i, old in enumerate(result) if old.get(merge_key) == item.get(merge_key)), None)
        if item.get("$patch") == "delete":
            if at is not None:
                del result[at]
        elif at is None:
            result.append(_merge({}, item, strategic=True))
        else:
            result[at] = _merge(result[at], item, strategic=True)
    return result


def _json(document: Any, operations: Any) -> Any:
    for operation in operations:
        document = _operate(document, operation)
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    op, path = operation["op"], operation["path"]
    if op == "test":
        if _read(document, path) != operation.get("value"):
            raise Invalid(f"the server rejected our request due to an error in our request: testing {path} failed")
        return document
    if op in ("move", "copy"):
        value = codec.copy(_read(document, operation["from"]))
        if op == "move":
            _write(document, operation["from"], "remove", None)
        op = "add"
    else:
        value = operation.get("value")
    return _write(document, path, op, value)


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _read(document: Any, path: str) -> Any:
    for step in _steps(path):
        try:
            document = document[int(step)] if isinstance(document, list) else document[step]
        except (KeyError, IndexError, ValueError, TypeError):
            raise Invalid(f"doc is missing path: {path}") from None
    return document


def _write(document: Any, path: str, op: str, value: Any) -> Any:
    steps = _steps(path)
    if not steps:
        return value
    parent = _read(document, "".join("/" + s.replace("~", "~0").replace("/", "~1") for s in steps[:-1]))
    last = steps[-1]
    if isinstance(parent, list):
        at = len(parent) if last == "-" else int(last)
        if op == "add":
            parent.insert(at, value)
        elif op == "remove":
            del parent[at]
        else:
            parent[at] = value
    elif op == "remove":
        if last not in parent:
            raise Invalid(f"remove operation does not apply: doc is missing key: {path}")
        del parent[last]
    else:
        parent[last] = value
    return document
