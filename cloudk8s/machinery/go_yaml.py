"""YAML as upstream's go-yaml reads and writes it: YAML 1.1 words for booleans, octal numbers, keys made text.

In: bytes, of which the first document counts. Out: the tree as JSON would hold it, and the duplicate keys, in go-yaml's
words. The other way: a JSON tree in go-yaml's layout.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import yaml

_FEW_REPEATED, _FEW_NODES = 100, 1000
_SMALL, _LARGE = 400_000, 4_000_000
"""Sizes of documents, between which ever less of them may come from aliases."""

MAX_DEPTH: Final = 400
"""Nesting beyond this is refused before a tree is made of it: the library recurses on the C stack, without a limit."""

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER: Final = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_LOOKS_OTHER: Final = re.compile(
    r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|"
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ]+[0-9:.]+ *(?:Z|[-+][0-9:]+)?)?",
    re.ASCII,
)
"""Numbers to the base 60, which only old parsers know, and times; go-yaml quotes them."""
_INDICATORS: Final = "-?:[{"
"""Every level of nesting needs one of them."""
_TOO_DEEP: Final = "yaml: exceeded max depth"
_TAG: Final = "tag:yaml.org,2002:"
_Loader: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes texts in the style that go-yaml picks for them; repeats what aliases would stand for."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(dumper: Any, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if style is None and (not text or not isinstance(_resolve(text), str) or _LOOKS_OTHER.fullmatch(text)):
        style = '"'
    node: yaml.ScalarNode = dumper.represent_scalar(_TAG + "str", text, style=style)
    return node


_Dumper.add_representer(str, _write_text)


class YamlProblem(ValueError):
    """The text is no YAML, or holds what JSON cannot; the message is go-yaml's."""


class YamlDocument(NamedTuple):
    """A read document."""

    tree: Any
    duplicates: tuple[str, ...]
    """Such as `line 8: key "a" already set in map`."""


def parse(data: bytes) -> YamlDocument:
    """Read the first document."""
    reader = _Reader()
    node = _compose(data)
    try:
        return YamlDocument(None if node is None else reader.value(node), tuple(reader.duplicates))
    except RecursionError:
        raise YamlProblem(_TOO_DEEP) from None


def encode(value: Any) -> bytes:
    """Block style, keys sorted, texts quoted only where they would read as something else."""
    text: bytes = yaml.dump(
        value, Dumper=_Dumper, default_flow_style=False, width=2**31 - 1, allow_unicode=True, encoding="utf-8"
    )
    return text


def _compose(data: bytes) -> yaml.Node | None:
    try:
        text = data.decode("utf-8-sig")
        _check_depth(text)
        loader = _Loader(text)
        try:
            return loader.get_node() if loader.check_node() else None
        finally:
            loader.dispose()
    except UnicodeDecodeError:
        raise YamlProblem("yaml: invalid leading UTF-8 octet") from None
    except yaml.YAMLError as error:
        raise YamlProblem(_message(error)) from None


def _check_depth(text: str) -> None:
    """Refuse what nests too deeply; texts that have too few indicators to do so are not looked at."""
    if sum(map(text.count, _INDICATORS)) <= MAX_DEPTH:
        return
    depth = 0
    loader = _Loader(text)
    try:
        while loader.check_event() and not loader.check_event(yaml.DocumentEndEvent):
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise YamlProblem(_TOO_DEEP)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def _message(error: yaml.YAMLError) -> str:
    """What go-yaml prints of the same failure; only its scanner counts lines from one."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "yaml: control characters are not allowed"
    is_scanner = isinstance(error, yaml.scanner.ScannerError)
    line = 0
    if error.problem_mark is not None and error.problem_mark.line:
        line = error.problem_mark.line + (1 if is_scanner else 0)
    elif error.context_mark is not None:
        line = error.context_mark.line
    where = f"line {line}: " if line else ""
    return f"yaml: {where}{error.problem or 'unknown problem parsing YAML content'}"


class _Reader:
    """Makes the tree of one document."""

    def __init__(self) -> None:
        self.duplicates: list[str] = []
        self._count = 0
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0
        self._inside = 0
        """How many aliases the node at hand is inside of."""

    def value(self, node: yaml.Node) -> Any:
        self._count += 1
        is_repeated = id(node) in self._seen
        self._seen.add(id(node))
        if is_repeated:
            self._count += not self._inside  # the alias itself is a node, too
            self._repeated += 1
            self._check_aliases()
        if isinstance(node, yaml.ScalarNode):
            return _json_number(_scalar(node))
        if id(node) in self._open:
            raise YamlProblem("yaml: anchor value contains itself")
        self._open.add(id(node))
        self._inside += is_repeated
        made = self._mapping(node) if isinstance(node, yaml.MappingNode) else [self.value(item) for item in node.value]
        self._inside -= is_repeated
        self._open.discard(id(node))
        return made

    def _check_aliases(self) -> None:
        """go-yaml's rule: the larger the document, the less of it may come from aliases."""
        count, repeated = self._count, self._repeated
        if repeated > _FEW_REPEATED and count > _FEW_NODES and repeated > _repeatable(count) * count:
            raise YamlProblem("yaml: document contains excessive aliasing")

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        tree: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                self._merge(value_node, merged)
                continue
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                raise YamlProblem(f"unsupported map key of type: {_key_kind(key_node)}")
            text = _key_text(key)
            if text in tree:
                self._repeat(key_node.start_mark.line + 1, key)
            tree[text] = self.value(value_node)
        return merged | tree

    def _repeat(self, line: int, key: Any) -> None:
        shown = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(key, str) else _key_text(key)
        self.duplicates.append(f"line {line}: key {shown} already set in map")

    def _merge(self, node: yaml.Node, into: dict[str, Any]) -> None:
        for item in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            value = self.value(item)
            if not isinstance(value, dict):
                raise YamlProblem("yaml: map merge requires map or sequence of maps as the value")
            for key, inner in value.items():
                into.setdefault(key, inner)


def _repeatable(count: int) -> float:
    """The share of a document's nodes that may come from aliases."""
    if count <= _SMALL:
        return 0.99
    if count >= _LARGE:
        return 0.10
    return 0.99 - 0.89 * (count - _SMALL) / (_LARGE - _SMALL)


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == "<<" and not node.style


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    tag = (node.tag or "").removeprefix(_TAG)
    if tag == "binary":
        return _binary(text)
    return text if node.style or (tag == "str" and _has_tag(node)) else _resolve(text)


def _has_tag(node: yaml.ScalarNode) -> bool:
    """Whether a word carries a tag in the text; the parser gives every word without one the tag of strings."""
    length: int = node.end_mark.index - node.start_mark.index
    return length != len(node.value) and " " not in node.value


def _binary(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except binascii.Error:
        raise YamlProblem("yaml: !!binary value contains invalid base64 data") from None


_LONGEST: Final = 1000
"""Longer plain scalars are texts: as numbers they would be out of every range."""


def _resolve(text: str) -> Any:
    """A plain scalar's value."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    compact = text.replace("_", "")
    if len(compact) > _LONGEST:
        return text
    if match := _INTEGER.fullmatch(compact):
        number = _integer(match[1], match[2])
        return number if -(2**63) <= number < 2**64 else _float(str(number), text)
    return _float(compact, text) if _FLOAT.fullmatch(compact) else text


def _float(digits: str, text: str) -> float | str:
    """A float; the text where it is too large for one."""
    number = float(digits)
    return number if math.isfinite(number) else text


def _integer(sign: str, digits: str) -> int:
    if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567":
        digits = "0o" + digits[1:]
    return int(sign + digits, 0)


def _json_number(value: Any) -> Any:
    """A number as it reads after a turn through JSON: whole floats become integers, infinity has no form."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise YamlProblem(f"json: unsupported value: {'NaN' if math.isnan(value) else f'{value:+f}'.title()}")
    return int(value) if value.is_integer() and -(2**63) <= value < 2**64 else value


_KEY_TEXTS: Final[dict[type, Callable[[Any], str]]] = {
    str: lambda key: key,
    bool: lambda key: "true" if key else "false",
    int: str,
    float: lambda key: str(_json_number(key)),
}


def _key_text(key: Any) -> str:
    return _KEY_TEXTS[type(key)](key)


def _key_kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "invalid"
    return "map" if isinstance(node, yaml.MappingNode) else "slice"
