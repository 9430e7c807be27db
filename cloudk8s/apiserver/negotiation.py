"""Content negotiation: which media type, and whether as the object, a Table or metadata only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cloudk8s.errors import NotAcceptable

Form = Literal["object", "table", "metadata"]
JSON, YAML, PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_FROM_BYTES = frozenset({JSON, PROTOBUF})
_META_VERSIONS = frozenset({"v1", "v1beta1"})
_STREAMS = ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
_PLAIN = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Format:
    """What the client wants back."""

    media_type: str = JSON
    form: Form = "object"
    meta_version: str = "v1"
    pretty: bool = False

    @property
    def is_plain(self) -> bool:
        """Stored bytes can be sent as they are; for protobuf they are translated at the very end."""
        return self.media_type in _FROM_BYTES and self.form == "object" and not self.pretty


PLAIN = Format()


@lru_cache(maxsize=1024)
def negotiate(accept: str, *, can_stream: bool = False, has_table: bool = True) -> Format:
    """The first acceptable clause of an Accept header; NotAcceptable with upstream's words if there is none.

    Protobuf is for clients that read nothing else: answers are stored as JSON.
    """
    if not accept or accept == "*/*":
        return PLAIN
    known_type = takes_protobuf = False
    for clause in accept.split(","):
        media_type, _, rest = clause.strip().partition(";")
        parameters = dict(part.strip().split("=", 1) for part in rest.split(";") if "=" in part)
        media_type = media_type.strip()
        if media_type == "*/*":
            media_type = JSON
        if media_type == "text/yaml":
            media_type = YAML
        if media_type not in (JSON, YAML):
            takes_protobuf = takes_protobuf or (media_type == PROTOBUF and "as" not in parameters)
            continue
        known_type = True
        wanted = parameters.get("as", "")
        if not wanted:
            return Format(media_type, pretty=parameters.get("pretty") == "1")
        if parameters.get("g") != "meta.k8s.io" or parameters.get("v") not in _META_VERSIONS:
            continue
        if wanted == "Table" and has_table:
            return Format(media_type, "table", parameters["v"])
        if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList") and has_table:
            return Format(media_type, "metadata", parameters["v"])
    if takes_protobuf:
        return Format(PROTOBUF)
    raise _not_acceptable(known_type, can_stream)


def _not_acceptable(known_type: bool, can_stream: bool) -> NotAcceptable:
    if known_type:
        return NotAcceptable(f"only the following media types are accepted: {_PLAIN}")
    message = f"406: Not Acceptable\n\nAvailable representations: {_PLAIN}{_STREAMS if can_stream else ''}"
    error = NotAcceptable(message)
    return NotAcceptable(message, status=error.status | {"details": {}})
