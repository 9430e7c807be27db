"""Bodies that come again, byte for byte: the pods that a workload makes of one template, nameless but for a prefix.

What decoding, defaults and managed fields make of such a body depends on nothing but the body and who sends it, so it
is kept, encoded, from the second time on. What depends on the moment (admission, validation, names) is not.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver.context import RequestContext
from cloudk8s.machinery import codec
from cloudk8s.machinery.times import format_time

_MARK: Final = b'"generateName"'
_MAX_BODIES: Final = 256
_MAX_BYTES: Final = 32 * 1024


class RepeatedBodies:
    """The newest bodies without a name, and what became of those that came twice."""

    def __init__(self) -> None:
        self._prepared: dict[Hashable, bytes | None] = {}

    def key(self, context: RequestContext, resource: ResourceType, body: bytes) -> Hashable | None:
        """All that the result depends on; None for a body that is not expected to come again."""
        if _MARK not in body or len(body) > _MAX_BYTES or resource.custom is not None:
            return None
        validation, kind = context.query.get("fieldValidation"), context.headers.get("content-type", "")
        return resource, body, context.info.url_namespace, context.field_manager, validation, kind

    def recall(self, key: Hashable | None, now: datetime) -> Object | None:
        """The prepared object of a body that came before, as if it had come now; the caller owns it."""
        prepared = self._prepared.get(key)
        if prepared is None:
            return None
        obj: Object = codec.decode(prepared)
        for entry in obj["metadata"].get("managedFields", ()):
            entry["time"] = format_time(now)
        return obj

    def note(self, key: Hashable | None, obj: Object, context: RequestContext) -> None:
        """Remember a body, and when it comes again what it was made into; not if there was something to warn of."""
        if key is None or context.warnings or obj["metadata"].get("name"):
            return  # some kinds are given their name with their defaults
        is_again = key in self._prepared
        if not is_again and len(self._prepared) >= _MAX_BODIES:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[key] = codec.encode(obj) if is_again else None
