"""The quick road through a body: one compiled walk that checks types and brings values into upstream's form.

`compile_walk` turns a schema into a function that works on a freshly decoded tree in place: zero values that Go would
not write are dropped, times and quantities rewritten, structs that Go holds directly added. It knows nothing of paths
and findings: at the first field or type that is not as the schema says it raises `Anomaly`, and the caller takes the
slow road (`cloudk8s.api.decoding.strict`), which explains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from cloudk8s.api.decoding import scalars
from cloudk8s.api.decoding.gated import NOTHING_USED, Used
from cloudk8s.api.decoding.go_fields import FieldShape, shape, short
from cloudk8s.machinery.schema import Schema

Handler: TypeAlias = Callable[[Any], Any]
"""Takes a value, gives the value to keep, or DROP."""
Walk: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]

DROP: Final = object()
INTEGERS: Final = {"int32": (-(2**31), 2**31), "int64": (-(2**63), 2**63)}

_CLASSES: Final = {"string": str, "boolean": bool}
SCHEMA_PROPS: Final = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
SCHEMA_HOLDERS: Final = ("JSONSchemaPropsOrBool", "JSONSchemaPropsOrArray")
"""Types that hold JSON schemas or something else."""


class Anomaly(Exception):
    """Something is not as the schema says."""


class Walker:
    """Compiled walks of one registry's schemas, one for each definition."""

    def __init__(self, dropped: frozenset[str] = frozenset()) -> None:
        self._walks: dict[str, Walk] = {}
        self._dropped = dropped
        """Fields that are not kept, whatever they hold, as `core.v1.PodSpec.schedulingGroup`."""
        self.used: Used = NOTHING_USED
        """Which of them are kept all the same in the walk at hand; asked at the first that is met."""

    def walk(self, schema: Schema) -> Walk:
        """The walk of a struct; compiled at its first use."""
        name = schema.name
        found = self._walks.get(name) if name else None
        if found is None:
            found = self._struct(schema)
            if name:
                self._walks[name] = found
        return found

    def _struct(self, schema: Schema) -> Walk:
        """The walk of a struct, which is compiled when it is first called: schemas may be recursive."""
        entries: dict[str, type | Handler] = {}
        zeros: dict[str, Handler] = {}
        always: list[tuple[str, Handler]] = []
        unread = True

        def read() -> None:
            nonlocal unread
            unread = False
            for key, node in (schema.properties or {}).items():
                held = shape(schema.name, key, node, required=key in schema.required)
                handler = self._handler(node, held)
                entries[key] = _CLASSES.get(node.type, handler) if not node.format else handler
                zeros[key] = handler
                place = f"{short(schema.name)}.{key}"
                if place in self._dropped:
                    entries[key] = zeros[key] = self._gated(place, handler)
                    continue
                if node.properties is not None and not held.pointer:
                    always.append((key, self._empty(node)))

        def walk(tree: dict[str, Any]) -> dict[str, Any]:
            if unread:
                read()
            dropped: list[str] | None = None
            for key, value in tree.items():
                entry = entries.get(key)
                kind = value.__class__
                if entry is kind:
                    if value:
                        continue
                    entry = zeros[key]
                elif entry is None:
                    raise Anomaly
                elif entry.__class__ is type:
                    entry = zeros[key]
                kept = entry(value)
                if kept is not value:
                    if kept is DROP:
                        if dropped is None:
                            dropped = [key]
                        else:
                            dropped.append(key)
                    else:
                        tree[key] = kept
            if dropped is not None:
                for key in dropped:
                    del tree[key]
            for key, make in always:
                if key not in tree:
                    tree[key] = make(None)
            return tree

        return walk

    def _empty(self, node: Schema) -> Handler:
        def make(_: Any) -> dict[str, Any]:
            return self.walk(node)({})

        return make

    def _gated(self, place: str, handler: Handler) -> Handler:
        """Drop a field whose feature is off, unless the stored object uses the feature already."""
        return lambda value: handler(value) if place in self.used() else DROP

    def _handler(self, node: Schema, held: FieldShape) -> Handler:
        """What becomes of a field's value, empty values included."""
        if node.format == "byte":
            return _bytes(held)
        if node.format in ("date-time", "quantity", "int-or-string"):
            return _boxed(node, held)
        if node.properties is not None:
            return self._struct_field(node, held)
        if node.type == "array":
            return self._list(node, held)
        if node.type == "object":
            return self._map(node, held)
        if node.type == "any":
            return self._any(node)
        return _scalar(node, held)

    def _struct_field(self, node: Schema, held: FieldShape) -> Handler:
        walk = self.walk(node)

        def struct(value: Any) -> Any:
            if value.__class__ is dict:
                return walk(value)
            if value is None:
                return DROP if held.pointer else walk({})
            raise Anomaly

        return struct

    def _list(self, node: Schema, held: FieldShape) -> Handler:
        each = self._items(node.items)

        def items(value: Any) -> Any:
            if value.__class__ is list:
                if value:
                    each(value)
                    return value
                return DROP if held.omit_empty else value
            if value is None:
                return DROP
            raise Anomaly

        return items

    def _map(self, node: Schema, held: FieldShape) -> Handler:
        each = self._values(node.additional)

        def values(value: Any) -> Any:
            if value.__class__ is dict:
                if value:
                    each(value)
                    return value
                return DROP if held.omit_empty else value
            if value is None:
                return DROP
            raise Anomaly

        return values

    def _items(self, node: Schema | None) -> Callable[[list[Any]], None]:
        """Walk the items of a list in place."""
        if node is None or node.type == "any":
            return _nothing
        kind = _CLASSES.get(node.type) if not node.format else None
        item = self._item(node)

        def walk_items(values: list[Any]) -> None:
            for index, value in enumerate(values):
                if value.__class__ is not kind and (kept := item(value)) is not value:
                    values[index] = kept

        return walk_items

    def _values(self, node: Schema | None) -> Callable[[dict[str, Any]], None]:
        """Walk the values of a map in place."""
        if node is None or node.type == "any":
            return _nothing
        kind = _CLASSES.get(node.type) if not node.format else None
        item = self._item(node)

        def walk_values(values: dict[str, Any]) -> None:
            for key, value in values.items():
                if value.__class__ is not kind and (kept := item(value)) is not value:
                    values[key] = kept

        return walk_values

    def _item(self, node: Schema) -> Handler:
        """What becomes of one item of a list or value of a map; it is never dropped."""
        item = self._handler(node, FieldShape(pointer=False, omit_empty=False, go_type=node.go_type))
        if node.format == "byte":
            return lambda value: "" if value is None else item(value)
        if node.type in ("array", "object") and node.properties is None:
            return lambda value: None if value is None else item(value)
        return item

    def _any(self, node: Schema) -> Handler:
        """Free-form values; of the two that hold JSON schemas, the schemas are walked."""
        if not node.name.endswith(SCHEMA_HOLDERS):
            return _anything
        found: list[Walk] = []

        def nested(value: Any) -> Any:
            if not found:
                found.append(self._walks[SCHEMA_PROPS])
            for item in value if value.__class__ is list else (value,):
                if item.__class__ is dict:
                    found[0](item)
            return DROP if value is None else value

        return nested


def _scalar(node: Schema, held: FieldShape) -> Handler:
    if node.type == "integer":
        return _integer(INTEGERS.get(node.format, INTEGERS["int64"]), held)
    if node.type == "number":
        return _number(held)
    kind: type = _CLASSES[node.type]
    zero: Any = kind()
    empty = zero if held.pointer or not held.omit_empty else DROP
    null = zero if not held.pointer and not held.omit_empty else DROP

    def scalar(value: Any) -> Any:
        if value.__class__ is kind:
            return value if value else empty
        if value is None:
            return null
        raise Anomaly

    return scalar


def _integer(bounds: tuple[int, int], held: FieldShape) -> Handler:
    low, high = bounds
    empty = 0 if held.pointer or not held.omit_empty else DROP
    null = 0 if not held.pointer and not held.omit_empty else DROP

    def integer(value: Any) -> Any:
        if value.__class__ is int and low <= value < high:
            return value if value else empty
        if value is None:
            return null
        raise Anomaly

    return integer


def _number(held: FieldShape) -> Handler:
    def number(value: Any) -> Any:
        if value.__class__ is int or value.__class__ is float:
            return value
        if value is None:
            return DROP if held.pointer or held.omit_empty else 0
        raise Anomaly

    return number


def _boxed(node: Schema, held: FieldShape) -> Handler:
    """Times, quantities and int-or-strings: null is zero where they are held directly."""
    if node.format == "date-time":
        return _time(node, held)
    if node.format == "quantity":
        return _quantity(held)
    null: Any = DROP if held.pointer else 0

    def int_or_string(value: Any) -> Any:
        if value.__class__ is str or (value.__class__ is int and -(2**31) <= value < 2**31):
            return value
        if value is None:
            return null
        raise Anomaly

    return int_or_string


def _time(node: Schema, held: FieldShape) -> Handler:
    canonical = scalars.canonical_micro_time if node.name.endswith("MicroTime") else scalars.canonical_time
    null = DROP if held.pointer else None

    def moment(value: Any) -> Any:
        if value.__class__ is str:
            try:
                text = canonical(value)
            except scalars.ValueProblem:
                raise Anomaly from None
            return null if text.startswith(scalars.ZERO_TIME) else text
        if value is None:
            return null
        raise Anomaly

    return moment


def _quantity(held: FieldShape) -> Handler:
    def amount(value: Any) -> Any:
        if value is None and held.pointer:
            return DROP
        try:
            return scalars.canonical_quantity(value)
        except scalars.ValueProblem:
            raise Anomaly from None

    return amount


def _bytes(held: FieldShape) -> Handler:
    def data(value: Any) -> Any:
        if value.__class__ is str:
            if not value and held.omit_empty:
                return DROP
            try:
                return scalars.check_base64(value)
            except scalars.ValueProblem:
                raise Anomaly from None
        if value is None:
            return DROP
        if value.__class__ is list:
            try:
                return scalars.listed_bytes(value)
            except TypeError:
                raise Anomaly from None
        raise Anomaly

    return data


def _anything(value: Any) -> Any:
    return DROP if value is None else value


def _nothing(_: Any) -> None:
    return None
