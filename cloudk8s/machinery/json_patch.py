"""JSON Patch (RFC 6902) as kube-apiserver applies it, departures from the RFC included.

`replace` of an absent key adds it, `copy` of an absent key adds null, `add` without a value adds null, a path without a
leading slash drops its first element, and negative indices count from the end. Documents are never changed: containers
that an operation goes through are copied first, with sorted keys, which is how upstream prints them back.
"""

from __future__ import annotations

import re
from typing import Any, Final

from cloudk8s.machinery import codec, go_text, json_syntax

MAX_OPERATIONS: Final = 10_000
MAX_COPIED_BYTES: Final = 3 * 1024 * 1024
_INDEX: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_ROOT: Final = "document"
_DECODING: Final = "error decoding patch: "


class PatchFormatError(ValueError):
    """The body is not a JSON patch: a bad request."""


class PatchError(ValueError):
    """The patch cannot be applied to this document."""


class PatchTooLargeError(ValueError):
    """More operations than are allowed in one patch."""


def decode(body: bytes) -> list[Any]:
    """Read a patch. Raises PatchFormatError and PatchTooLargeError with upstream's messages."""
    try:
        operations = codec.decode(body)
    except codec.DecodeError as error:
        raise PatchFormatError(_DECODING + (json_syntax.problem(body) or str(error))) from error
    if operations is None:
        return []
    if not isinstance(operations, list):
        raise PatchFormatError(_DECODING + go_text.cannot_unmarshal(operations, "[]handlers.jsonPatchOp"))
    for operation in operations:
        _check_operation(operation)
    if len(operations) > MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise PatchTooLargeError(message)
    return operations


def apply(document: Any, operations: list[Any]) -> Any:
    """The patched document; what the patch leaves alone is shared with the given one. Raises PatchError."""
    patching = _Patching(document)
    for operation in operations:
        patching.run(operation or {})
    return patching.result()


class _Patching:
    """One application; `_owned` are the containers made here, which alone may be changed."""

    def __init__(self, document: Any) -> None:
        self._root = {_ROOT: document}
        self._owned: dict[int, Any] = {}
        self._copied_bytes = 0

    def result(self) -> Any:
        for container in self._owned.values():
            if isinstance(container, dict):
                items = sorted(container.items())
                container.clear()
                container.update(items)
        return self._root[_ROOT]

    def run(self, operation: dict[str, Any]) -> None:
        kind = operation.get("op")
        match kind:
            case "add":
                self._add(_path(operation, "add"), operation.get("value"), "add")
            case "remove":
                path = _path(operation, "remove")
                container, key = self._find(path, f'remove operation does not apply: doc is missing path: "{path}"')
                _remove(container, key, f"error in remove for path: '{path}'")
            case "replace":
                self._replace(_path(operation, "replace"), operation)
            case "move":
                self._move(_path(operation, "move", "from"), operation)
            case "copy":
                self._copy(_path(operation, "copy", "from"), operation)
            case "test":
                self._test(_path(operation, "test"), operation.get("value"))
            case _:
                raise PatchError(f"Unexpected kind: {kind if isinstance(kind, str) else 'unknown'}")

    def _add(self, path: str, value: Any, verb: str) -> None:
        place = "path" if verb == "add" else "destination path"
        container, key = self._find(path, f'{verb} operation does not apply: doc is missing {place}: "{path}"')
        context = f"error in {verb} for path: '{path}'"
        if isinstance(container, dict):
            container[key] = value
        elif key == "-":
            container.append(value)
        else:
            container.insert(_position(key, len(container) + 1, context), value)

    def _replace(self, path: str, operation: dict[str, Any]) -> None:
        value = operation.get("value")
        if path == "":
            if isinstance(value, (dict, list)):
                self._root[_ROOT] = value
            return
        container, key = self._find(path, f"replace operation does not apply: doc is missing path: {path}")
        if isinstance(container, dict):
            container[key] = value
            return
        container[_position(key, len(container), f"replace operation does not apply: doc is missing key: {path}")] = (
            value
        )

    def _move(self, source: str, operation: dict[str, Any]) -> None:
        container, key = self._find(source, f"move operation does not apply: doc is missing from path: {source}")
        value = _get(container, key, f"error in move for path: '{key}'")
        _remove(container, key, f"error in move for path: '{key}'")
        self._add(_path(operation, "move"), value, "move")

    def _copy(self, source: str, operation: dict[str, Any]) -> None:
        container, key = self._find(source, f"copy operation does not apply: doc is missing from path: {source}")
        value = codec.copy(_get(container, key, f"error in copy for from: '{source}'"))
        self._copied_bytes += len(codec.encode(value))
        if self._copied_bytes > MAX_COPIED_BYTES:
            raise PatchError(
                f"Unable to complete the copy, the accumulated size increase of copy is {self._copied_bytes}, "
                f"exceeding the limit {MAX_COPIED_BYTES}"
            )
        self._add(_path(operation, "copy"), value, "copy")

    def _test(self, path: str, value: Any) -> None:
        if path == "":
            actual = self._root[_ROOT]
        else:
            container, key = self._find(path, f"test operation does not apply: is missing path: {path}")
            actual = _get(container, key, f"error in test for path: '{path}'")
        if not equal(actual, value):
            raise PatchError(f"testing value {path} failed: test failed")

    def _find(self, path: str, problem: str) -> tuple[Any, str]:
        """The container that holds the last element of a path, ready to be changed."""
        parts = path.split("/")
        container = self._own(self._root, _ROOT) if len(parts) > 1 else None
        for part in parts[1:-1]:
            key = _unescaped(part)
            if isinstance(container, dict):
                container = self._own(container, key)
            elif isinstance(container, list):
                index = _index(key, len(container))
                container = None if index is None else self._own(container, index)
        if container is None:
            raise PatchError(f"{problem}: missing value")
        return container, _unescaped(parts[-1])

    def _own(self, parent: Any, key: Any) -> Any:
        """The child container, copied on the first visit; None where there is none."""
        child = parent.get(key) if isinstance(parent, dict) else parent[key]
        if id(child) in self._owned or not isinstance(child, (dict, list)):
            return child if isinstance(child, (dict, list)) else None
        parent[key] = copied = child.copy()
        self._owned[id(copied)] = copied
        return copied


def equal(first: Any, second: Any) -> bool:
    """Whether two JSON values are the same, `1` and `1.0`, and `1` and `true`, told apart."""
    if type(first) is not type(second):
        return False
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(value, second[key]) for key, value in first.items())
    if isinstance(first, list):
        return len(first) == len(second) and all(map(equal, first, second))
    return bool(first == second)


def _check_operation(operation: Any) -> None:
    if operation is not None and not isinstance(operation, dict):
        raise PatchFormatError(_DECODING + go_text.cannot_unmarshal(operation, "handlers.jsonPatchOp"))
    for name in ("op", "path", "from"):
        value = (operation or {}).get(name)
        if value is not None and not isinstance(value, str):
            kind = go_text.json_type_name(value)
            problem = f"json: cannot unmarshal {kind} into Go struct field jsonPatchOp.{name} of type string"
            raise PatchFormatError(_DECODING + problem)


def _path(operation: dict[str, Any], verb: str, name: str = "path") -> str:
    path = operation.get(name)
    if not isinstance(path, str):
        raise PatchError(f"{verb} operation failed to decode {name}: missing value")
    return path


def _get(container: Any, key: str, context: str) -> Any:
    if isinstance(container, dict):
        return container.get(key)
    return container[_position(key, len(container), context)]


def _remove(container: Any, key: str, context: str) -> None:
    if isinstance(container, list):
        del container[_position(key, len(container), context)]
    elif key in container:
        del container[key]
    else:
        raise PatchError(f"{context}: Unable to remove nonexistent key: {key}: missing value")


def _position(key: str, length: int, context: str) -> int:
    if not _INDEX.fullmatch(key):
        raise PatchError(f"{context}: strconv.Atoi: parsing {go_text.quote(key)}: invalid syntax")
    index = _index(key, length)
    if index is None:
        raise PatchError(f"{context}: Unable to access invalid index: {int(key)}: invalid index referenced")
    return index


def _index(key: str, length: int) -> int | None:
    """A list index, negative ones counted from the end; None where it is out of range or no number."""
    if not _INDEX.fullmatch(key):
        return None
    index = int(key)
    if not -length <= index < length:
        return None
    return index + length if index < 0 else index


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
