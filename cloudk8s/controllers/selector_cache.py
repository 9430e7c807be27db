"""Compiled selectors of objects: a controller asks for the same ones with every pod that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of, uid_of
from cloudk8s.machinery.labels import NOTHING, Selector


class SelectorCache:
    """Remembered by UID while the selector's source is the same."""

    def __init__(self, compile: Callable[[Any], Selector]) -> None:
        self._compile = compile
        self._known: dict[str, tuple[Any, Selector]] = {}

    def of(self, obj: Object) -> Selector:
        source = spec_of(obj).get("selector")
        uid = uid_of(obj)
        known = self._known.get(uid)
        if known is not None and known[0] == source:
            return known[1]
        try:
            selector = self._compile(source)
        except ValueError:
            selector = NOTHING
        if len(self._known) > 20_000:
            self._known.clear()
        self._known[uid] = (source, selector)
        return selector
