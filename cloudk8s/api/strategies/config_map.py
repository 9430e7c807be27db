"""ConfigMaps."""

from __future__ import annotations

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, too_long
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.validation import metadata, names

MAX_BYTES = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"


class ConfigMapStrategy(BuiltinStrategy):
    """The ConfigMap kind."""

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        data, binary = obj.get("data") or {}, obj.get("binaryData") or {}
        size = 0
        for key, text in data.items():
            errors += [invalid(f"data[{key}]", key, message) for message in names.config_map_key(key)]
            if key in binary:
                errors.append(invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
            size += len(text) if text.isascii() else len(text.encode())
        for key, encoded in binary.items():
            errors += [invalid(f"binaryData[{key}]", key, message) for message in names.config_map_key(key)]
            size += decoded_size(encoded)
        if size > MAX_BYTES:
            errors.append(too_long("[]", MAX_BYTES))
        return errors

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        if old.get("immutable"):
            if not new.get("immutable"):
                errors.append(forbidden("immutable", _FROZEN))
            for key in ("data", "binaryData"):
                if (new.get(key) or {}) != (old.get(key) or {}):
                    errors.append(forbidden(key, _FROZEN))
        return errors + self.check_create(new)


def decoded_size(encoded: str | None) -> int:
    """Bytes that a base64 text stands for; null is no bytes."""
    if encoded is None:
        return 0
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")
