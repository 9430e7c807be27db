"""How upstream words a value of the wrong type: in its JSON decoder, and where it converts an already decoded tree."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from cloudk8s.api.decoding.raw_json import Number, Pairs


class Place(NamedTuple):
    """Where a value is: `path` with indices, `field` and `struct` as Go's decoder names them, and the type expected."""

    path: str
    field: str
    struct: str
    go_type: str = ""

    def field_of(self, struct: str, name: str, go_type: str) -> Place:
        """A member of the struct that stands here."""
        field = f"{self.field}.{name}" if self.field else name
        return Place(_joined(self.path, name), field, struct.rpartition(".")[2], go_type)

    def child(self, key: str) -> Place:
        """A value of the map that stands here; Go does not count the key to the field."""
        return self._replace(path=_joined(self.path, key))

    def item(self, index: int) -> Place:
        return self._replace(path=f"{self.path}[{index}]")

    def of(self, go_type: str) -> Place:
        return self._replace(go_type=go_type)


class Wording(Protocol):
    """The messages of one decoder."""

    takes_whole_floats: bool
    """2.0 is an integer."""

    def container(self, kind: str, value: Any, place: Place) -> str:
        """A struct, map or slice was expected."""

    def scalar(self, value: Any, place: Place) -> str:
        """A string, number or boolean was expected."""

    def number(self, value: Any, place: Place) -> str:
        """An integer was expected, and this number is none, or too large."""


class JsonWording:
    """Go's `encoding/json`: bodies, and the results of JSON and merge patches."""

    takes_whole_floats = False

    def container(self, kind: str, value: Any, place: Place) -> str:
        return self.scalar(value, place)

    def scalar(self, value: Any, place: Place) -> str:
        return _unmarshal(json_kind(value), place)

    def number(self, value: Any, place: Place) -> str:
        return _unmarshal(f"number {value}", place)


class ConverterWording:
    """`runtime.UnstructuredConverter`: the results of strategic merge patches and of server-side apply."""

    takes_whole_floats = True

    def container(self, kind: str, value: Any, place: Place) -> str:
        colon = ":" if kind == "struct" else ""
        return f"cannot restore {kind} from{colon} {_go_kind(value)}"

    def scalar(self, value: Any, place: Place) -> str:
        kind, wanted = _go_kind(value), place.go_type
        if wanted == "[]uint8":
            return f"cannot restore slice from {kind}"
        name = "string" if "." in wanted else wanted
        if kind == "int64" and name == "string":  # Go converts it, to a character
            return f"cannot convert int64 to {wanted}"
        return f"unrecognized type: {name}"

    def number(self, value: Any, place: Place) -> str:
        if _go_kind(value) == "float64":
            return f"cannot convert float64 to {place.go_type}"
        return self.scalar(value, place)


def _unmarshal(what: str, place: Place) -> str:
    return f"json: cannot unmarshal {what} into Go struct field {place.struct}.{place.field} of type {place.go_type}"


def json_kind(value: Any) -> str:
    """What Go's decoder calls a JSON value."""
    if isinstance(value, (Pairs, dict)):
        return "object"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, (Number, int, float)) else "string"


def _go_kind(value: Any) -> str:
    kind = json_kind(value)
    if kind == "number":
        number = value.value if isinstance(value, Number) else value
        return "int64" if isinstance(number, int) else "float64"
    return {"object": "map", "array": "slice"}.get(kind, kind)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
