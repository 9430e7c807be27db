"""VolumeAttachments."""

from __future__ import annotations

from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of


class VolumeAttachmentStrategy(BuiltinStrategy):
    """The VolumeAttachment kind: its spec never changes."""

    namespaced = False
    allow_unconditional_update = False
    has_status = True
    status_keeps = "metadata"

    def zero_status(self) -> Object:
        return {"attached": False}

    def set_defaults(self, obj: Object) -> None:
        spec_of(obj).setdefault("source", {})
        self.default_status(obj)
