"""Request bodies to objects: the one entrance to decoding, field validation and the form of what is stored.

In: bytes and what they should be (`Expected`). Out: a tree of that type that the caller owns, pruned of unknown fields
and in the form in which Go would encode it, with the strict findings. What upstream refuses is a `BadRequest` with
upstream's text. After a change to a tree (a patch, defaults) `check` and `complete` do the same for trees.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from cloudk8s.api.custom.decoding import coerce, whole_numbers
from cloudk8s.api.decoding import gvk, raw_json
from cloudk8s.api.decoding.completion import Completer
from cloudk8s.api.decoding.gated import NOTHING_USED, Used, used_by
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.decoding.strict import StrictWalk
from cloudk8s.api.decoding.untyped import TooDeep, duplicate_fields, has_duplicates
from cloudk8s.api.decoding.walker import Anomaly, Walker
from cloudk8s.api.decoding.wording import ConverterWording, JsonWording, Wording, json_kind
from cloudk8s.api.registry import Registry
from cloudk8s.api.resource import Object
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import codec, json_syntax
from cloudk8s.machinery.schema import Schema

FieldValidation: TypeAlias = Literal["Strict", "Warn", "Ignore"]
Stored: TypeAlias = Callable[[], Object | None]
"""Gives the object that an update replaces; asked only where it matters."""

JSON_PATCHED: Final = JsonWording()
"""The tree comes from JSON, or from a JSON patch or merge patch."""
CONVERTED: Final = ConverterWording()
"""The tree comes from a strategic merge patch or from server-side apply."""
_YAML_PREFIX: Final = "yaml: unmarshal errors:\n"
_CONVERTING: Final = "error converting YAML to JSON: "
_OBJECT_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_FLOAT: Final = re.compile(rb"[0-9][.eE]")
_TOO_DEEP: Final = "exceeded max depth"


class WrongType(ValueError):
    """A field holds a value of the wrong type; the message is the decoder's, without saying which object."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An object and what strict decoding has to say about it."""

    object: Object
    findings: tuple[str, ...] = ()
    """Unknown and duplicate fields, as a strict error lists them."""

    @property
    def warnings(self) -> list[str]:
        """The findings as `Warning` headers; YAML's are one for each line."""
        return warnings_of(self.findings)

    @property
    def strict_error(self) -> str:
        """`strict decoding error: …`, empty where there is nothing to find."""
        return f"strict decoding error: {', '.join(self.findings)}" if self.findings else ""


class Decoder:
    """Decodes for one registry. Compiles a type at its first use; not for use from several threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._walker = Walker(registry.features.dropped)
        self._completer = Completer()
        self._finisher = Completer(is_last=True)

    def read(
        self,
        data: bytes,
        expected: Expected,
        schema: Schema,
        *,
        validation: FieldValidation = "Warn",
        yaml: bool = False,
        stored: Stored | None = None,
    ) -> Decoded:
        """Read the body of a request; `schema` is the kind's own, built-in or custom.

        Fields of features that are off are dropped, but for those that the `stored` object uses.
        Raises BadRequest for what is no object of the kind, and under `Strict` for unknown and duplicate fields;
        under `Warn` the caller sends `Decoded.warnings`.
        """
        duplicates: tuple[str, ...] = ()
        if yaml:
            data, duplicates = _yaml_to_json(data, expected)
        tree, said = self._recognize(data, expected, is_custom=not schema.name)
        try:
            self._keep_used(stored, schema)
            decoded = self._decode(data, tree, schema) if schema.name else self._decode_custom(data, tree, schema)
        except WrongType as problem:
            raise gvk.refused(said, expected, str(problem)) from None
        except (RecursionError, TooDeep):
            raise gvk.unmarshalled(expected, _TOO_DEEP, data) from None
        finally:
            self._walker.used = NOTHING_USED
        findings = (*duplicates, *decoded.findings) if validation != "Ignore" else ()
        obj = {"kind": said.kind, "apiVersion": str(said.group_version)}
        result = Decoded(obj | decoded.object | obj, findings)
        if findings and validation == "Strict":
            raise gvk.refused(said, expected, result.strict_error)
        return result

    def check(
        self, tree: Object, schema: Schema, *, wording: Wording = JSON_PATCHED, stored: Stored | None = None
    ) -> Decoded:
        """Check an object that a patch has changed, in place, like a body; raises WrongType.

        The findings are all unknown fields; whether they are errors is the caller's decision.
        """
        if not schema.name:
            return Decoded(tree, coerce(tree, schema, self._read_metadata))
        try:
            self._keep_used(stored, schema)
            return Decoded(self._walker.walk(schema)(tree))
        except Anomaly:
            return self._explain(tree, schema, wording)
        finally:
            self._walker.used = NOTHING_USED

    def complete(self, tree: Object, schema: Schema, shared: Object | None = None) -> None:
        """Add what Go writes although nobody set it (`status: {}`, `resources: {}`).

        Parts that the object shares with `shared`, a stored one, are complete.
        """
        if schema.name:
            self._completer.complete(tree, schema, shared or {})

    def finish(self, tree: Object, schema: Schema, shared: Object | None = None) -> None:
        """The last step before storing: complete the object, with null for empty lists as upstream's store has."""
        if schema.name:
            self._finisher.complete(tree, schema, shared or {})

    def _keep_used(self, stored: Stored | None, schema: Schema) -> None:
        if stored is not None:
            self._walker.used = _once(lambda: used_by(stored(), schema, self._registry.features))

    def _recognize(self, data: bytes, expected: Expected, *, is_custom: bool) -> tuple[Object, Expected]:
        """The tree, and the type that it names."""
        tree = _parse(data, expected)
        if tree is None:
            tree = {}
        if not isinstance(tree, dict):
            raise gvk.unmarshalled(expected, gvk.no_object(tree), data)
        api_version, kind = tree.get("apiVersion") or "", tree.get("kind") or ""
        if not isinstance(api_version, str) or not isinstance(kind, str):
            wrong = next(key for key in tree if key in ("apiVersion", "kind") and not _is_text(tree[key]))
            raise gvk.unmarshalled(expected, gvk.no_string(wrong, tree[wrong]), data)
        said = gvk.said_type(api_version, kind, expected)
        if said is None:
            raise gvk.unrecognized(expected, f"unexpected GroupVersion string: {api_version}", data)
        if said != expected:
            gvk.check_type(said, expected, None if is_custom else self._registry)
        return tree, said

    def _decode(self, data: bytes, tree: Object, schema: Schema) -> Decoded:
        if not has_duplicates(data, tree):
            try:
                return Decoded(self._walker.walk(schema)(tree))
            except Anomaly:
                pass
        return self._explain(raw_json.parse(data) or {}, schema, JSON_PATCHED)

    def _decode_custom(self, data: bytes, tree: Object, schema: Schema) -> Decoded:
        duplicates = duplicate_fields(data) if has_duplicates(data, tree) else ()
        if _FLOAT.search(data):
            whole_numbers(tree)
        return Decoded(tree, (*duplicates, *coerce(tree, schema, self._read_metadata)))

    def _read_metadata(self, value: Any, path: str) -> tuple[Object, tuple[str, ...]]:
        """Metadata in the form in which it is stored, and its unknown fields; raises WrongType."""
        schema = self._registry.definitions[_OBJECT_META]
        if not isinstance(value, dict):
            raise WrongType(f"json: cannot unmarshal {json_kind(value)} into Go value of type v1.ObjectMeta")
        try:
            return self._walker.walk(schema)(value), ()
        except Anomaly:
            decoded = self._explain(value, schema, JSON_PATCHED, path)
        return decoded.object, decoded.findings

    def _explain(self, tree: Any, schema: Schema, wording: Wording, path: str = "") -> Decoded:
        walk = StrictWalk(wording)
        pruned = walk.struct(tree, schema, path)
        if walk.problem:
            raise WrongType(walk.problem)
        findings = tuple(sorted(walk.findings)) if wording is CONVERTED else walk.findings
        return Decoded(self._walker.walk(schema)(pruned), findings)


def read_apply(data: bytes, *, validation: FieldValidation) -> tuple[Any, tuple[str, ...]]:
    """The document of an apply patch, YAML or JSON, and its duplicate keys; BadRequest under `Strict` if it has any."""
    try:
        tree = codec.decode(data)
        if not has_duplicates(data, tree):
            return tree, ()
    except (codec.DecodeError, TooDeep):
        pass
    from cloudk8s.machinery import go_yaml

    try:
        document = go_yaml.parse(data)
    except (go_yaml.YamlProblem, RecursionError) as problem:
        raise BadRequest(f"error decoding YAML: {_CONVERTING}{problem}") from None
    findings = tuple(_CONVERTING + finding for finding in _yaml_findings(document.duplicates))
    if findings and validation == "Strict":
        raise BadRequest(f"error strict decoding YAML: {findings[0]}")
    return document.tree, findings if validation == "Warn" else ()


def patch_duplicates(data: bytes, document: Any) -> tuple[str, ...]:
    """The duplicate fields of a decoded JSON patch document."""
    return duplicate_fields(data) if has_duplicates(data, document) else ()


def warnings_of(findings: tuple[str, ...]) -> list[str]:
    """Strict findings as `Warning` headers."""
    texts: list[str] = []
    for finding in findings:
        lines = finding.removeprefix(_CONVERTING).removeprefix(_YAML_PREFIX)
        texts += [line.strip() for line in lines.split("\n")] if lines != finding else [finding]
    return texts


def _parse(data: bytes, expected: Expected) -> Any:
    try:
        return codec.decode(data)
    except codec.DecodeError:
        if problem := json_syntax.problem(data):
            raise gvk.unmarshalled(expected, problem, data) from None
    try:
        return raw_json.plain(raw_json.parse(data))
    except RecursionError:
        raise gvk.unmarshalled(expected, _TOO_DEEP, data) from None


def _yaml_to_json(data: bytes, expected: Expected) -> tuple[bytes, tuple[str, ...]]:
    """YAML as the JSON that upstream makes of it, keys sorted; with its duplicate keys as one finding."""
    from cloudk8s.machinery import go_yaml

    try:
        document = go_yaml.parse(data)
    except go_yaml.YamlProblem as problem:
        raise gvk.unrecognized(expected, str(problem), data) from None
    return codec.encode_sorted(document.tree), _yaml_findings(document.duplicates)


def _yaml_findings(duplicates: tuple[str, ...]) -> tuple[str, ...]:
    """All duplicate keys of a document as the one finding that go-yaml makes of them."""
    return (_YAML_PREFIX + "\n".join(f"  {line}" for line in duplicates),) if duplicates else ()


def _once(make: Used) -> Used:
    """Ask at the first time only."""
    found: list[frozenset[str]] = []

    def ask() -> frozenset[str]:
        if not found:
            found.append(make())
        return found[0]

    return ask


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)
