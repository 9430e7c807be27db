"""Bodies to trees: media type, JSON or YAML, kind check, field validation."""

from __future__ import annotations

from typing import Any, Final, cast

from cloudk8s.api import decode
from cloudk8s.api.decode import CONVERTED, JSON_PATCHED, Decoded, FieldValidation, WrongType
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.field_errors import invalid
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.patch import PatchType
from cloudk8s.errors import BadRequest, Invalid, UnsupportedMediaType
from cloudk8s.machinery import codec, go_text, json_patch, merge_patch, strategic_merge

_MEDIA: Final = {"": "json", "application/json": "json", "application/yaml": "yaml", "text/yaml": "yaml"}
_UNKNOWN_MEDIA: Final = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)


class Intake:
    """Reads one request's body for one resource."""

    def __init__(self, core: Core, context: RequestContext, resource: ResourceType) -> None:
        self._core = core
        self._context = context
        self._resource = resource
        self._validation = cast(FieldValidation, context.query.get("fieldValidation") or "Warn")
        self._patch: Any = None
        self._duplicates: tuple[str, ...] = ()
        self._is_converted = False

    def read(self, body: bytes) -> Object:
        """An object of the resource's kind, pruned and in the form in which it is stored."""
        resource = self._resource
        media = _MEDIA.get(self._context.headers.get("content-type", "").partition(";")[0].strip())
        if media is None:
            raise UnsupportedMediaType(_UNKNOWN_MEDIA)
        expected = Expected(resource.group, resource.version, resource.kind)
        decoded = self._core.decoder.read(
            body, expected, resource.schema, validation=self._validation, yaml=media == "yaml"
        )
        self._warn(decoded.warnings)
        return decoded.object

    def read_patch(self, type: PatchType, body: bytes) -> Any:
        """A patch document; BadRequest in upstream's words for one that is none."""
        if type == "apply":
            document, findings = decode.read_apply(body, validation=self._validation)
            self._warn(decode.warnings_of(findings))
            if not isinstance(document, dict):
                raise BadRequest(
                    f"error decoding YAML: {go_text.cannot_unmarshal(document, 'map[string]interface {}')}"
                )
            return document
        document = _patch_document(type, body)
        if self._validation != "Ignore":
            self._duplicates = decode.patch_duplicates(body, document)
        self._patch, self._is_converted = document, type == "strategic"
        return document

    def take_patched(self, tree: Any) -> Object:
        """Check the result of a patch like a body; its problems are the patch's."""
        if not isinstance(tree, dict):
            raise BadRequest("the patched object is not an object")
        try:
            wording = CONVERTED if self._is_converted else JSON_PATCHED
            decoded = self._core.decoder.check(tree, self._resource.schema, wording=wording)
        except WrongType as problem:
            raise self._bad_patch(tree, str(problem)) from None
        if self._validation == "Ignore":
            return decoded.object
        found = Decoded(decoded.object, (*self._duplicates, *decoded.findings))
        if found.findings and self._validation == "Strict":
            raise self._bad_patch(tree, found.strict_error)
        self._warn(found.warnings)
        return found.object

    def _bad_patch(self, tree: Object, problem: str) -> Invalid:
        """Upstream quotes a strategic merge patch itself, of other patches the result."""
        quoted = go_text.format_value(self._patch) if self._is_converted else codec.encode(dict(sorted(tree.items())))
        text = quoted if isinstance(quoted, str) else quoted.decode()
        return failures.invalid("", "", "", [invalid("patch", text, problem)])

    def _warn(self, texts: list[str]) -> None:
        for text in texts:
            self._context.warn(text)


def _patch_document(type: PatchType, body: bytes) -> Any:
    try:
        if type == "json":
            return json_patch.decode(body)
        return merge_patch.decode(body) if type == "merge" else strategic_merge.decode(body)
    except (json_patch.PatchFormatError, merge_patch.PatchFormatError, strategic_merge.PatchFormatError) as error:
        raise BadRequest(str(error)) from None
