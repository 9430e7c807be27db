"""Order of list elements after a strategic merge: what the patch lists keeps the patch's order, the rest its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cloudk8s.machinery import go_text


class MergeError(ValueError):
    """The patch cannot be merged; `code` is the HTTP status that upstream answers with."""

    def __init__(self, message: str, *, code: int = 500) -> None:
        super().__init__(message)
        self.code = code


def arrange(items: list[Any], patch_order: list[Any], live_order: list[Any], merge_key: str) -> list[Any]:
    """Put merged `items` in order: those in `patch_order` in that order, the others woven in as in `live_order`."""
    identity = _identity(merge_key)
    from_patch = _ranks(patch_order, identity)
    from_live = _ranks(live_order, identity)
    patched = [item for item in items if _rank(from_patch, identity(item)) is not None]
    others = [item for item in items if _rank(from_patch, identity(item)) is None]
    patched.sort(key=lambda item: _rank(from_patch, identity(item)) or 0)
    others.sort(key=lambda item: _rank(from_live, identity(item)) or 0)
    return _weave(others, patched, [_rank(from_live, identity(item)) for item in others],
                  [_rank(from_live, identity(item)) for item in patched])  # fmt: skip


def check(patch: list[Any], order: list[Any], merge_key: str) -> None:
    """Refuse a patch list that names elements its `$setElementOrder` does not, or in another order."""
    if not patch or not order:
        return
    identity = _identity(merge_key)
    pending = [item for item in patch if not (isinstance(item, dict) and "$patch" in item)]
    position = 0
    for entry in order:
        if position < len(pending) and same(identity(pending[position]), identity(entry)):
            position += 1
    if position < len(pending):
        shown, wanted = go_text.format_value(patch), go_text.format_value(order)
        message = f"The order in patch list:\n{shown}\n doesn't match $setElementOrder list:\n{wanted}\n"
        raise MergeError(message)


def is_list_of_objects(lists: list[list[Any]]) -> bool:
    """Whether the elements are objects. Raises MergeError unless all elements of all lists are of one type."""
    types = {type(item) for items in lists for item in items}
    if list in types:
        raise MergeError("lists of lists are not supported", code=422)
    if len(types) > 1:
        raise MergeError(f"list element types are not identical: {go_text.format_value(lists)}")
    return dict in types


def key_of(item: Any, merge_key: str) -> Any:
    """The value of the merge key. Raises MergeError where there is none."""
    if not isinstance(item, dict):
        raise MergeError(f"expected a map[string]interface {{}}, but received a {go_text.type_name(item)}")
    if merge_key not in item:
        raise MergeError(f"map: {go_text.format_value(item)} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise MergeError(f"expected a []interface {{}}, but received a {go_text.type_name(value)}")
    return value


def unique(items: list[Any]) -> list[Any]:
    """The items without repetitions, in order of first appearance."""
    return list({(type(item), item): item for item in items}.values())


def contains(items: list[Any], wanted: Any) -> bool:
    return any(same(item, wanted) for item in items)


def same(first: Any, second: Any) -> bool:
    """Equal and of the same type: `1` is neither `true` nor `1.0`."""
    return type(first) is type(second) and bool(first == second)


_Identity = Callable[[Any], Any]
_UNHASHABLE: Final = (dict, list)


def _identity(merge_key: str) -> _Identity:
    return (lambda item: key_of(item, merge_key)) if merge_key else (lambda item: item)


def _ranks(order: list[Any], identity: _Identity) -> dict[Any, int]:
    ranks: dict[Any, int] = {}
    for index, item in enumerate(order):
        value = identity(item)
        if not isinstance(value, _UNHASHABLE):
            ranks.setdefault((type(value), value), index)
    return ranks


def _rank(ranks: dict[Any, int], value: Any) -> int | None:
    return None if isinstance(value, _UNHASHABLE) else ranks.get((type(value), value))


def _weave(left: list[Any], right: list[Any], left_ranks: list[int | None], right_ranks: list[int | None]) -> list[Any]:
    """Insert `left` into `right`, each before the first element that stands later in the live list."""
    woven: list[Any] = []
    i = j = 0
    while i < len(left) and j < len(right):
        left_rank, right_rank = left_ranks[i], right_ranks[j]
        if left_rank is not None and right_rank is not None and left_rank < right_rank:
            woven.append(left[i])
            i += 1
        else:
            woven.append(right[j])
            j += 1
    return woven + left[i:] + right[j:]
