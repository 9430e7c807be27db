"""The careful road through a body: says what is wrong with it, where, and in upstream's words.

It finds unknown and duplicate fields and the first value of a wrong type, and gives back the tree pruned of what the
schema does not know. It works on JSON with nothing lost (`raw_json`) or on plain trees. Values of the right type are
left as they are; the quick walk brings them into form afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cloudk8s.api.decoding import scalars
from cloudk8s.api.decoding.go_fields import shape
from cloudk8s.api.decoding.raw_json import Number, Pairs, plain
from cloudk8s.api.decoding.walker import INTEGERS, SCHEMA_HOLDERS, SCHEMA_PROPS
from cloudk8s.api.decoding.wording import Place, Wording
from cloudk8s.machinery.schema import Schema

MAX_FINDINGS: Final = 100
"""Upstream reports no more than this many strict errors."""


class StrictWalk:
    """One walk over one body."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        self._findings: dict[str, None] = {}
        self._holder: Schema | None = None
        """The schema of JSON schemas, once one has been met."""
        self.problem = ""
        """The first value of a wrong type, as an error message; empty if there is none."""

    @property
    def findings(self) -> tuple[str, ...]:
        """Unknown and duplicate fields, in the order of the text."""
        return tuple(self._findings)

    def struct(self, tree: Any, schema: Schema, path: str = "") -> dict[str, Any]:
        """Walk a whole struct; findings begin with `path`."""
        return self._struct(tree, schema, Place(path, "", ""))

    def _struct(self, tree: Any, schema: Schema, place: Place, into: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = {} if into is None else into
        seen: set[str] = set()
        if schema.name == SCHEMA_PROPS:
            self._holder = schema
        for key, value in _members(tree):
            node = (schema.properties or {}).get(key)
            if node is None:
                self._find(f'unknown field "{place.child(key).path}"')
                continue
            if key in seen:
                self._find(f'duplicate field "{place.child(key).path}"')
            seen.add(key)
            go_type = shape(schema.name, key, node, required=False).go_type
            result[key] = self._value(value, node, place.field_of(schema.name, key, go_type), result.get(key))
        return result

    def _value(self, value: Any, node: Schema, place: Place, previous: Any = None) -> Any:
        """Check one value; a second object for the same field is merged into the first, as Go does."""
        if node.type == "any" and node.name.endswith(SCHEMA_HOLDERS):
            return self._nested_schemas(value)
        if value is None or node.type == "any":
            return plain(value)
        if node.properties is not None or node.type == "object":
            return self._object(value, node, place, previous if isinstance(previous, dict) else None)
        if node.type == "array":
            return self._list(value, node, place)
        return self._scalar(value, node, place)

    def _nested_schemas(self, value: Any) -> Any:
        """JSON schemas in a place that takes something else too: Go prunes them and reports nothing."""
        if isinstance(value, list) and not isinstance(value, Pairs):
            return [self._nested_schemas(item) for item in value]
        if not isinstance(value, (Pairs, dict)) or self._holder is None:
            return plain(value)
        quiet = StrictWalk(self._wording)
        pruned = quiet.struct(value, self._holder)
        if quiet.problem:
            self._mismatch(quiet.problem)
        return pruned

    def _object(self, value: Any, node: Schema, place: Place, into: dict[str, Any] | None) -> Any:
        if not isinstance(value, (Pairs, dict)):
            kind = "struct" if node.properties is not None else "map"
            return self._mismatch(self._wording.container(kind, value, place))
        if node.properties is not None:
            return self._struct(value, node, place, into)
        if node.additional is None:
            return plain(value)
        return self._map(value, node.additional, place, into)

    def _map(self, tree: Any, node: Schema, place: Place, into: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = {} if into is None else into
        seen: set[str] = set()
        for key, value in _members(tree):
            inside = place.child(key)
            if key in seen:
                self._find(f'duplicate field "{inside.path}"')
            seen.add(key)
            result[plain(key)] = self._value(value, node, inside.of(node.go_type))
        return result

    def _list(self, value: Any, node: Schema, place: Place) -> Any:
        if not isinstance(value, list) or isinstance(value, Pairs):
            return self._mismatch(self._wording.container("slice", value, place))
        if node.items is None:
            return plain(value)
        inside = (place.item(index).of(node.items.go_type) for index in range(len(value)))
        return [self._value(item, node.items, where) for item, where in zip(value, inside, strict=True)]

    def _scalar(self, value: Any, node: Schema, place: Place) -> Any:
        if node.format in ("date-time", "quantity", "byte", "int-or-string"):
            return self._boxed(value, node, place)
        if node.type in ("integer", "number"):
            return self._number(value, node, place)
        expected = bool if node.type == "boolean" else str
        if isinstance(value, expected) and not isinstance(value, Number):
            return plain(value)
        return self._mismatch(self._wording.scalar(value, place))

    def _number(self, value: Any, node: Schema, place: Place) -> Any:
        number = value.value if isinstance(value, Number) else value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            return self._mismatch(self._wording.scalar(value, place))
        if node.type == "number":
            return number
        low, high = INTEGERS.get(node.format, INTEGERS["int64"])
        if isinstance(number, float) and self._wording.takes_whole_floats and number.is_integer():
            number = int(number)
        if isinstance(number, int) and low <= number < high:
            return number
        return self._mismatch(self._wording.number(value, place))

    def _boxed(self, value: Any, node: Schema, place: Place) -> Any:
        if node.format == "int-or-string":
            if isinstance(value, str) and not isinstance(value, Number):
                return plain(value)
            return self._number(value, _INT32, place.of("int32"))
        try:
            return _read_boxed(plain(value), node)
        except scalars.ValueProblem as problem:
            return self._mismatch(str(problem))
        except TypeError:
            return self._mismatch(
                self._wording.scalar(value, place.of("[]uint8" if node.format == "byte" else "string"))
            )

    def _mismatch(self, problem: str) -> None:
        self.problem = self.problem or problem

    def _find(self, text: str) -> None:
        if len(self._findings) < MAX_FINDINGS:
            self._findings[text] = None


_INT32: Final = Schema("integer", format="int32")


def _read_boxed(value: Any, node: Schema) -> Any:
    """Check that the value can be read; TypeError if it is not even text."""
    if node.format == "quantity":
        scalars.canonical_quantity(value)
    elif node.format == "byte" and isinstance(value, list):
        scalars.listed_bytes(value)
    elif not isinstance(value, str):
        raise TypeError
    elif node.format == "byte":
        scalars.check_base64(value)
    elif node.name.endswith("MicroTime"):
        scalars.canonical_micro_time(value)
    else:
        scalars.canonical_time(value)
    return value


def _members(tree: Any) -> Iterable[tuple[str, Any]]:
    return tree if isinstance(tree, Pairs) else tree.items()
