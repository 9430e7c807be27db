"""A pod template as Go's `spew` prints it with `%#v`: types and names of all fields, zero values and nil too.

https://pkg.go.dev/github.com/davecgh/go-spew/spew
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from cloudk8s.machinery.quantity import QuantityError, parse

NIL: Final = "<nil>"
_NO_TIME: Final = "{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"
_FIELD: Final = re.compile(r"(\w*):([^@+-]+)(?:@(\w+))?(?:\+(\d+))?(?:-(\d+))?")
_QUANTITY: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(.*)")
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


class Field(NamedTuple):
    """One field of a struct; without a name of its own it is embedded."""

    name: str
    type: str
    json: str
    """Where its value is; empty for what is embedded in JSON too."""
    since: int
    until: int


def go_text(template: Mapping[str, Any], minor: int) -> str:
    """The text of a template in Kubernetes 1.`minor`."""
    return "(v1.PodTemplateSpec)" + _value(template, "v1.PodTemplateSpec", minor)


def _value(value: Any, type: str, minor: int) -> str:
    if type.startswith("*"):
        return NIL if value is None else _value(value, type[1:], minor)
    if type.startswith("[]"):
        return _list(value, type[2:], minor)
    if type == "v1.ResourceList" or type.startswith("map["):
        return _map(value, type.removeprefix("map[string]") if type.startswith("map[") else "resource.Quantity", minor)
    if type == "v1.Time":
        return _NO_TIME
    if type == "resource.Quantity":
        return _quantity(str(value or "0"))
    if type == "intstr.IntOrString":
        return _int_or_string(value)
    if type == "bool":
        return "true" if value else "false"
    if type.startswith(("int", "uint")):
        return str(value or 0)
    fields = _fields(type.removeprefix("v1."), minor)
    return str(value or "") if fields is None else _struct(value or {}, fields, minor)


def _struct(value: Mapping[str, Any], fields: tuple[Field, ...], minor: int) -> str:
    parts = []
    for name, type, json, _, _ in fields:
        inner = value.get(json) if json else value
        parts.append(f"{name}:({type}){_value(inner, type, minor)}")
    return "{" + " ".join(parts) + "}"


def _list(value: Any, type: str, minor: int) -> str:
    return "[" + " ".join(_value(item, type, minor) for item in value) + "]" if value else NIL


def _map(value: Any, type: str, minor: int) -> str:
    if not value:
        return NIL
    return "map[" + " ".join(f"{key}:{_value(value[key], type, minor)}" for key in sorted(value)) + "]"


def _int_or_string(value: Any) -> str:
    if isinstance(value, str):
        return f"{{Type:(intstr.Type)1 IntVal:(int32)0 StrVal:(string){value}}}"
    return f"{{Type:(intstr.Type)0 IntVal:(int32){value or 0} StrVal:(string)}}"


def _quantity(text: str) -> str:
    """As a quantity is right after it was read: a number, a power of ten, and the text it was read from."""
    value, scale, format = _parsed(text)
    amount = f"(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}}"
    nothing = "(resource.infDecAmount){Dec:(*inf.Dec)<nil>}"
    return f"{{i:{amount} d:{nothing} s:(string){text} Format:(resource.Format){format}}}"


def _parsed(text: str) -> tuple[int, int, str]:
    match = _QUANTITY.fullmatch(text)
    assert match is not None
    sign, whole, fraction, suffix = match[1], match[2], match[3] or "", match[4]
    number = int(f"{sign}{whole}{fraction}" or 0)
    if suffix in _DECIMAL:
        return number, _DECIMAL[suffix] - len(fraction), "DecimalSI"
    if suffix in _BINARY and not fraction:
        return number << _BINARY[suffix], 0, "BinarySI"
    try:
        return int(parse(text).value), 0, "BinarySI" if suffix in _BINARY else "DecimalExponent"
    except QuantityError:
        return 0, 0, "DecimalSI"


@cache
def _fields(struct: str, minor: int) -> tuple[Field, ...] | None:
    """The fields that a struct has in that release; None for what is no struct."""
    known = _structs().get(struct)
    return None if known is None else tuple(field for field in known if field.since <= minor < field.until)


@cache
def _structs() -> Mapping[str, tuple[Field, ...]]:
    found = {}
    text = files(__package__).joinpath("structs.txt").read_text()
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, fields = line.partition(": ")
            found[name] = tuple(map(_field, fields.split()))
    return found


def _field(text: str) -> Field:
    match = _FIELD.fullmatch(text)
    assert match is not None, text
    name, type, json, since, until = match.groups()
    if not name:
        return Field(type.rpartition(".")[2], type, json or "", int(since or 0), int(until or 1000))
    return Field(name, type, json or name[0].lower() + name[1:], int(since or 0), int(until or 1000))
