"""Bodies to trees: media type, kind check, field validation; and the same for what a patch has made."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api import decode
from cloudk8s.api.decode import Decoded, FieldValidation, WrongType
from cloudk8s.api.decoding import gvk
from cloudk8s.api.decoding.gvk import Expected
from cloudk8s.api.field_errors import FieldError, quoted
from cloudk8s.api.protobuf import ProtobufError, decode_body
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.handlers.patched_text import patched_json
from cloudk8s.apiserver.operations.patch import PatchType
from cloudk8s.errors import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from cloudk8s.machinery import codec, go_text, json_patch, merge_patch, strategic_merge

YAML_TYPES: Final = frozenset({"application/yaml", "text/yaml", "application/x-yaml"})
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_JSON: Final = frozenset({"application/json", ""})
_CARRIED: Final = {"": "status", "status": "spec"}
"""What a write through a subresource takes over from the live object, of kinds that keep the two apart."""


class Intake:
    """Reads one request's body for one resource. Warnings go to the request's context."""

    def __init__(self, core: Core, context: RequestContext, resource: ResourceType) -> None:
        self._core = core
        self._context = context
        self._resource = resource
        self._document: Any = None
        self._type: PatchType = "merge"
        self._duplicates: tuple[str, ...] = ()

    @property
    def _validation(self) -> FieldValidation:
        text = self._context.query.get("fieldValidation")
        return "Strict" if text == "Strict" else "Ignore" if text == "Ignore" else "Warn"

    def read(self, body: bytes) -> Object:
        """An object of the resource's kind; BadRequest or UnsupportedMediaType in upstream's words."""
        content_type = self._context.headers.get("content-type", "").partition(";")[0].strip()
        resource = self._resource
        if content_type == PROTOBUF:
            body = self._from_protobuf(body)
        elif content_type not in _JSON and content_type not in YAML_TYPES:
            raise _unsupported()
        decoded = self._core.decoder.read(
            body,
            Expected(resource.group, resource.version, resource.kind),
            resource.schema,
            validation=self._validation,
            yaml=content_type in YAML_TYPES,
            stored=self._stored,
        )
        self._warn(decoded)
        obj = decoded.object
        if obj.get("metadata") is None:
            obj["metadata"] = {}
        return obj

    def _stored(self) -> Object | None:
        """What the request is to replace; None for a creation."""
        info, resource = self._context.info, self._resource
        if not info.name or self._context.verb != "update":
            return None
        record = self._core.store.get(resource.key(info.namespace, info.name))
        return self._core.view(resource, record) if record else None

    def read_patch(self, type: PatchType, body: bytes) -> Any:
        """A patch document; BadRequest in upstream's words for one that is none."""
        self._type = type
        try:
            self._document = self._decode_patch(type, body)
        except (json_patch.PatchFormatError, merge_patch.PatchFormatError, strategic_merge.PatchFormatError) as error:
            raise BadRequest(str(error)) from None
        except json_patch.PatchTooLargeError as error:
            raise RequestEntityTooLarge(str(error)) from None
        if type in ("merge", "strategic") and self._validation != "Ignore":
            self._duplicates = decode.patch_duplicates(body, self._document)
        return self._document

    def take_patched(self, tree: Any, live: Object) -> Object:
        """Check the result of a patch of the live object like a body; Invalid in upstream's words.

        Whole parts that the patch left alone (the spec, say) are in good form already, if `live` is as it was stored;
        give nothing where it is not. What a write through this subresource cannot change stays shared with the live
        object; everything else is the caller's.
        """
        wording = decode.CONVERTED if self._type == "strategic" else decode.JSON_PATCHED
        resource = self._resource
        said = (tree.get("apiVersion"), tree.get("kind"))
        if said != (resource.api_version, resource.kind) and self._type != "strategic":
            raise self._refused(tree, self._misfit(tree, said) or _foreign(said, resource))
        kept = self._untouched(tree, live)
        try:
            touched = self._touched(tree, live, kept) if kept else codec.copy(tree)
            decoded = self._core.decoder.check(
                _with_reset(touched), resource.schema, wording=wording, stored=lambda: live
            )
        except WrongType as problem:
            raise self._refused(tree, str(problem)) from None
        decoded = Decoded(decoded.object, (*self._duplicates, *decoded.findings))
        if decoded.findings and self._validation == "Strict":
            raise self._refused(tree, decoded.strict_error)
        if self._validation == "Warn":
            self._warn(decoded)
        return self._with_untouched(decoded.object, kept, tree, live) if kept else decoded.object

    def _untouched(self, tree: Any, live: Object) -> Object:
        """The parts of a patched object that are the live one's, where that is as it was stored."""
        if self._resource.custom is not None or self._core.stored_as(self._resource) is not self._resource:
            return {}
        parts = tree.items() if isinstance(tree, dict) else ()
        return {key: value for key, value in parts if value.__class__ is dict and value is live.get(key)}

    def _touched(self, tree: Object, live: Object, kept: Object) -> Object:
        """A copy of what a patch may have changed; its metadata without managers that it left alone."""
        touched = {key: value for key, value in tree.items() if key not in kept}
        if _keeps_managers(tree, live):
            touched["metadata"] = {key: value for key, value in tree["metadata"].items() if key != "managedFields"}
        copied: Object = codec.copy(touched)
        return copied

    def _with_untouched(self, checked: Object, kept: Object, tree: Object, live: Object) -> Object:
        """The checked object with the other parts, in the order of the patched one."""
        carried = _CARRIED.get(self._context.info.subresource, "") if self._has_status else ""
        for key, value in kept.items():
            checked[key] = value if key == carried else codec.copy(value)
        if _keeps_managers(tree, live):
            checked["metadata"]["managedFields"] = live["metadata"]["managedFields"]
        return {key: checked[key] for key in dict.fromkeys((*tree, *checked)) if key in checked}

    @property
    def _has_status(self) -> bool:
        return "status" in self._resource.subresources

    def _misfit(self, tree: Any, said: tuple[Any, Any]) -> str:
        """What keeps a patched object from being of the other kind that it now claims to be, which is found first."""
        group, _, version = str(said[0]).rpartition("/")
        other = self._core.registry.lookup_kind(group, version, str(said[1]))
        if other is None or self._resource.custom is not None:
            return ""
        try:
            self._core.decoder.check(_with_reset(codec.copy(tree)), other.schema, wording=decode.JSON_PATCHED)
        except WrongType as problem:
            return str(problem)
        return ""

    def _from_protobuf(self, body: bytes) -> bytes:
        """The JSON of a protobuf body, which then takes the common road."""
        try:
            return codec.encode(decode_body(body, self._core.registry.schema))
        except ProtobufError as error:
            raise BadRequest(f"the body of the request cannot be read: {error}") from None

    def _decode_patch(self, type: PatchType, body: bytes) -> Any:
        if type == "json":
            return json_patch.decode(body)
        if type == "merge":
            return merge_patch.decode(body)
        if type == "strategic":
            return strategic_merge.decode(body)
        document, findings = decode.read_apply(body, validation=self._validation)
        for text in decode.warnings_of(findings):
            self._context.warn(text)
        if not isinstance(document, dict):
            raise BadRequest("error decoding YAML: the patch is not an object")
        return document

    def _warn(self, decoded: Decoded) -> None:
        for text in decoded.warnings:
            self._context.warn(text)

    def _refused(self, tree: Object, problem: str) -> Exception:
        """422 about the field `patch`: upstream shows what was made by JSON patches, and the patch itself otherwise."""
        if self._type == "strategic":
            value = go_text.format_value(self._document)
        elif self._resource.custom is not None:
            value = codec.encode_sorted(tree).decode()
        else:
            value = patched_json(tree, self._document, self._resource.schema)
        error = FieldError("FieldValueInvalid", "patch", f"Invalid value: {quoted(value)}: {problem}")
        return failures.invalid("", "", "", [error])


def _keeps_managers(tree: Object, live: Object) -> bool:
    """Whether a patched object shares its list of managers with the live one; nobody changes such a list in place."""
    metadata = tree.get("metadata")
    managers = live["metadata"].get("managedFields")
    return bool(managers) and metadata.__class__ is dict and metadata.get("managedFields") is managers


def _foreign(said: tuple[Any, Any], resource: ResourceType) -> str:
    """What upstream says of a patch that changes the object's type."""
    api_version, kind = said
    return gvk.no_kind(kind, api_version) if not resource.custom else ""


def _unsupported() -> UnsupportedMediaType:
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )
    return UnsupportedMediaType(message)


def _with_reset(tree: Any) -> Any:
    """An empty list of managers asks to forget them all, and must not be taken for an absent one."""
    metadata = tree.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") == []:
        metadata["managedFields"] = [{}]
    return tree
