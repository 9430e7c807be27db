"""Strategic merge patch: a merge patch that knows, from the schema, which lists merge and by which key.

Directives: `$patch` (replace, delete), `$retainKeys`, `$deleteFromPrimitiveList/x`, `$setElementOrder/x`. Where schema
metadata is absent (custom data, unknown fields) objects merge and lists are replaced. Neither the document nor the
patch is changed; what the patch leaves alone is shared with the given document.
"""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.machinery import codec, element_order, go_text, json_syntax
from cloudk8s.machinery.element_order import MergeError
from cloudk8s.machinery.schema import Schema

__all__ = ["MergeError", "PatchFormatError", "apply", "decode"]

_DIRECTIVE: Final = "$patch"
_RETAIN_KEYS: Final = "$retainKeys"
_DELETE_PREFIX: Final = "$deleteFromPrimitiveList"
_ORDER_PREFIX: Final = "$setElementOrder"


class PatchFormatError(ValueError):
    """The body is not a strategic merge patch: a bad request."""


def decode(body: bytes) -> dict[str, Any]:
    """Read a patch: a JSON object or null, which changes nothing. Raises PatchFormatError with upstream's message."""
    try:
        patch = codec.decode(body)
    except codec.DecodeError as error:
        raise PatchFormatError(json_syntax.problem(body) or str(error)) from error
    if patch is not None and not isinstance(patch, dict):
        raise PatchFormatError(go_text.cannot_unmarshal(patch, "map[string]interface {}"))
    return patch or {}


def apply(document: dict[str, Any], patch: dict[str, Any], schema: Schema | None) -> dict[str, Any]:
    """The merged document. Raises MergeError, whose `code` is the HTTP status that upstream answers with."""
    if _DIRECTIVE in patch:
        return _by_directive(patch)
    merged = _retained(document, patch)
    done = _merge_ordered_lists(merged, patch, schema)
    for key, value in patch.items():
        if key == _RETAIN_KEYS or key in done or key.startswith(_ORDER_PREFIX):
            continue
        is_deletion = key.startswith(_DELETE_PREFIX)
        _merge_field(merged, _list_name(key, _DELETE_PREFIX) if is_deletion else key, value, schema, is_deletion)
    return merged


def _by_directive(patch: dict[str, Any]) -> dict[str, Any]:
    directive = patch[_DIRECTIVE]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if directive == "delete":
        return {}
    raise _unknown_directive(patch)


def _retained(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """A copy of the document with what `$retainKeys` lets live."""
    if _RETAIN_KEYS not in patch:
        return dict(document)
    keys = patch[_RETAIN_KEYS]
    if not isinstance(keys, list):
        raise MergeError(_BAD_RETAIN_KEYS, code=400)
    for key, value in patch.items():
        if value is not None and not key.startswith((_RETAIN_KEYS, _DELETE_PREFIX, _ORDER_PREFIX)) and key not in keys:
            raise MergeError(_BAD_RETAIN_KEYS, code=400)
    return {key: value for key, value in document.items() if key in keys}


def _merge_field(merged: dict[str, Any], key: str, value: Any, schema: Schema | None, is_deletion: bool) -> None:
    if value is None:
        merged.pop(key, None)
        return
    current = merged.get(key, _ABSENT)
    if current is _ABSENT or type(current) is not type(value):
        if not is_deletion:
            _put(merged, key, _without_directives(_without_nulls(value)))
        return
    field = _field(schema, key)
    if isinstance(value, dict):
        merged[key] = value if _strategy(field) == "replace" else apply(current, value, field)
    elif isinstance(value, list):
        merged[key] = _merge_list(current, value, field, is_deletion)
    else:
        merged[key] = value


def _merge_ordered_lists(merged: dict[str, Any], patch: dict[str, Any], schema: Schema | None) -> set[str]:
    """Merge the lists whose order the patch dictates; returns their names."""
    done: set[str] = set()
    for key, order in patch.items():
        if not key.startswith(_ORDER_PREFIX):
            continue
        order = element_order.as_list(order)
        name = _list_name(key, _ORDER_PREFIX)
        current = element_order.as_list(merged[name]) if name in merged else None
        patched = element_order.as_list(patch[name]) if name in patch else None
        field = _field(schema, name)
        merge_key = field.patch_merge_key if field is not None else ""
        element_order.check(patched or [], order, merge_key)
        if current is None and patched is None:
            continue
        if not current and not patched:
            raise MergeError("no elements in any of the given slices")
        items = _merged_or_either(current, patched, field)
        merged[name] = element_order.arrange(items, order, current or [], merge_key)
        done.add(name)
    return done


def _merged_or_either(current: list[Any] | None, patch: list[Any] | None, field: Schema | None) -> list[Any]:
    if current is None:
        added: list[Any] = _without_directives(_without_nulls(patch or []))
        return added
    return current if patch is None else _merge_list(current, patch, field)


def _merge_list(current: list[Any], patch: list[Any], field: Schema | None, is_deletion: bool = False) -> list[Any]:
    if _strategy(field) != "merge" and not is_deletion:
        return patch
    if not current and not patch:
        return current
    merge_key = field.patch_merge_key if field is not None else ""
    if not element_order.is_list_of_objects([current, patch]):
        if is_deletion:
            return [item for item in current if not element_order.contains(patch, item)]
        merged = element_order.unique([*current, *patch])
        return element_order.arrange(merged, patch, current, "")
    if not merge_key:
        raise MergeError("cannot merge lists without merge key for struct")
    current, patch = _obey_element_directives(current, patch, merge_key)
    merged = _merge_objects(current, patch, merge_key, field.items if field is not None else None)
    return element_order.arrange(merged, patch, current, merge_key)


def _obey_element_directives(
    current: list[Any], patch: list[Any], merge_key: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Carry out `$patch: delete` and `$patch: replace` elements; returns what is left of both lists."""
    is_replaced = False
    plain: list[dict[str, Any]] = []
    for item in patch:
        directive = item.get(_DIRECTIVE, _ABSENT)
        if directive is _ABSENT:
            plain.append(item)
        elif directive == "delete":
            wanted = element_order.key_of(item, merge_key)
            current = [one for one in current if not element_order.same(one.get(merge_key, _ABSENT), wanted)]
        elif directive == "replace":
            is_replaced = True
        elif directive == "merge":
            raise MergeError("merging lists cannot yet be specified in the patch")
        else:
            raise _unknown_directive(item)
    return (plain, []) if is_replaced else (current, plain)


def _merge_objects(
    current: list[dict[str, Any]], patch: list[dict[str, Any]], merge_key: str, schema: Schema | None
) -> list[dict[str, Any]]:
    merged = list(current)
    for item in patch:
        wanted = element_order.key_of(item, merge_key)
        for index, one in enumerate(merged):
            if element_order.same(one.get(merge_key, _ABSENT), wanted):
                merged[index] = apply(one, item, schema)
                break
        else:
            merged.append(_without_directives(_without_nulls(item)))
    return merged


def _field(schema: Schema | None, key: str) -> Schema | None:
    if schema is None:
        return None
    if schema.properties is not None and key in schema.properties:
        return schema.properties[key]
    return schema.additional


def _strategy(field: Schema | None) -> str:
    """`merge`, `replace` or nothing; retainKeys matters only to who makes patches."""
    return next((name for name in ("merge", "replace") if field is not None and name in field.patch_strategy), "")


def _list_name(key: str, prefix: str) -> str:
    head, slash, name = key.partition("/")
    if not slash or head != prefix:
        raise MergeError(_BAD_ORDER if prefix == _ORDER_PREFIX else _BAD_DELETION, code=400)
    return name


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    if value is _ABSENT:
        target.pop(key, None)
    else:
        target[key] = value


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _without_directives(value: Any) -> Any:
    """What is new has nothing to act on: objects with a `$patch` vanish (the result may be `_ABSENT`)."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return _ABSENT
        cleaned = ((key, _without_directives(item)) for key, item in value.items())
        return {key: item for key, item in cleaned if item is not _ABSENT}
    if isinstance(value, list):
        return [item for item in map(_without_directives, value) if item is not _ABSENT]
    return value


def _unknown_directive(item: dict[str, Any]) -> MergeError:
    directive = go_text.format_value(item[_DIRECTIVE])
    return MergeError(f"unknown patch type: {directive} in map: {go_text.format_value(item)}")


_ABSENT: Final = object()
_BAD_RETAIN_KEYS: Final = "invalid patch format of retainKeys"
_BAD_ORDER: Final = "invalid patch format of setElementOrder list"
_BAD_DELETION: Final = "invalid patch format of primitive list"
