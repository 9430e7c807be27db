"""VolumeAttachments."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy, spec_of
from cloudk8s.api.validation.storage.attachment import check_attachment, check_attachment_kept, check_new_attachment


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

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = super().check_create(obj)
        check_new_attachment(errors, obj["spec"])
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        """The attachment is checked twice, as upstream does."""
        errors = (self.check_metadata(new) + self._body(new)) * 2
        check_attachment_kept(errors, new["spec"], old["spec"])
        return errors

    def check_status_update(self, new: Object, old: Object) -> list[FieldError]:
        return self.check_update(new, old)

    def check_body(self, errors: list[FieldError], obj: Object, old: Object | None) -> None:
        check_attachment(errors, obj)

    def _body(self, obj: Object) -> list[FieldError]:
        errors: list[FieldError] = []
        check_attachment(errors, obj)
        return errors
