"""Shapes by their keys: equal pods share one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.scheduler.pod.node_selection import NodeSelection
from cloudk8s.scheduler.pod.shape import Shape, parse_shape, shape_key
from cloudk8s.scheduler.pod.toleration import Toleration

SWEEP: Final = 4096


class ShapeTable:
    """Gives every pod its shape. Parts that repeat between shapes are shared too, so they can be told by identity."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, Shape] = {}
        self._selections: dict[tuple[object, ...], NodeSelection] = {}
        self._by_label: dict[tuple[str, str], list[Shape]] = {}
        self._tolerations: dict[tuple[Toleration, ...], tuple[Toleration, ...]] = {}
        self._sweep_at = SWEEP

    def __len__(self) -> int:
        return len(self._shapes)

    def __iter__(self) -> Iterator[Shape]:
        return iter(list(self._shapes.values()))

    def with_label(self, label: tuple[str, str]) -> Sequence[Shape]:
        """The shapes that have a label with a value."""
        return self._by_label.get(label, ())

    def shape(self, obj: Object) -> Shape:
        """The shape of a pod; parsed if it is the first of its kind."""
        key = shape_key(obj)
        found = self._shapes.get(key)
        return found if found is not None else self._add(parse_shape(key, obj))

    @property
    def is_crowded(self) -> bool:
        """Whether it is time for a sweep."""
        return len(self._shapes) >= self._sweep_at

    def sweep(self, is_used: Callable[[Shape], bool]) -> None:
        """Forget shapes that nobody uses."""
        self._shapes = {key: shape for key, shape in self._shapes.items() if is_used(shape)}
        self._by_label.clear()
        for shape in self._shapes.values():
            self._index(shape)
        self._sweep_at = max(SWEEP, 2 * len(self._shapes))
        self._selections = {_parts(shape.selection): shape.selection for shape in self._shapes.values()}
        self._tolerations = {shape.tolerations: shape.tolerations for shape in self._shapes.values()}

    def _add(self, shape: Shape) -> Shape:
        self._shapes[shape.key] = shape
        shape.selection = self._selections.setdefault(_parts(shape.selection), shape.selection)
        shape.tolerations = self._tolerations.setdefault(shape.tolerations, shape.tolerations)
        self._index(shape)
        return shape

    def _index(self, shape: Shape) -> None:
        for label in shape.labels.items():
            self._by_label.setdefault(label, []).append(shape)


def _parts(selection: NodeSelection) -> tuple[object, ...]:
    return selection.selector, selection.required, selection.preferred
