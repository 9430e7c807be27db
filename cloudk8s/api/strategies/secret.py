"""Secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cloudk8s.api.field_errors import FieldError, forbidden, invalid, required, too_long
from cloudk8s.api.resource import Object
from cloudk8s.api.strategies.builtin import BuiltinStrategy
from cloudk8s.api.strategies.config_map import decoded_size
from cloudk8s.api.validation import metadata, names
from cloudk8s.machinery import json_syntax

MAX_BYTES = 1024 * 1024
_FROZEN = "field is immutable when `immutable` is set"
_REDACTED = "<secret contents redacted>"
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
_REQUIRED_KEYS = {
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_DOCKER_KEYS = {
    "kubernetes.io/dockercfg": ".dockercfg",
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
}


class SecretStrategy(BuiltinStrategy):
    """The Secret kind: `stringData` is folded into `data`, known types have required keys."""

    def set_defaults(self, obj: Object) -> None:
        obj["type"] = obj.get("type") or "Opaque"
        if texts := obj.pop("stringData", None):
            encoded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}

    def check_create(self, obj: Object) -> list[FieldError]:
        errors = self.check_metadata(obj)
        data = obj.get("data") or {}
        size = 0
        for key, encoded in data.items():
            errors += [invalid(f"data[{key}]", key, message) for message in names.config_map_key(key)]
            size += decoded_size(encoded or "")
        if size > MAX_BYTES:
            errors.append(too_long("data", MAX_BYTES))
        return errors + _check_type(obj, data)

    def check_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = metadata.validate_update(new["metadata"], old["metadata"])
        if (kind := new.get("type") or "") != old.get("type"):
            errors.append(invalid("type", kind, names.IMMUTABLE))
        if old.get("immutable"):
            if not new.get("immutable"):
                errors.append(forbidden("immutable", _FROZEN))
            if (new.get("data") or {}) != (old.get("data") or {}):
                errors.append(forbidden("data", _FROZEN))
        return errors + self.check_create(new)

    def prepare_update(self, new: Object, old: Object, subresource: str = "") -> None:
        """An update without a type keeps the type: it can't be changed anyway."""
        if not new.get("type"):
            new["type"] = old.get("type", "Opaque")

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"type": obj.get("type", "")}

    @property
    def selectable_field_names(self) -> frozenset[str]:
        return frozenset({"type"})


def _check_type(secret: Object, data: dict[str, Any]) -> list[FieldError]:
    kind = secret.get("type", "")
    if kind == "kubernetes.io/service-account-token":
        annotations = secret["metadata"].get("annotations") or {}
        if annotations.get(_ACCOUNT_NAME):
            return []
        return [required(f"metadata.annotations[{_ACCOUNT_NAME}]")]
    if kind in _DOCKER_KEYS:
        return _check_docker(data, _DOCKER_KEYS[kind])
    if kind == "kubernetes.io/basic-auth":
        if "username" in data or "password" in data:
            return []
        return [required("data[username]"), required("data[password]")]
    if kind == "kubernetes.io/ssh-auth":
        return [] if data.get("ssh-privatekey") else [required("data[ssh-privatekey]")]
    return [required(f"data[{key}]") for key in _REQUIRED_KEYS.get(kind, ()) if key not in data]


def _check_docker(data: dict[str, Any], key: str) -> list[FieldError]:
    if key not in data:
        return [required(f"data[{key}]")]
    content = base64.b64decode(data[key] or "")
    if message := json_syntax.problem(content):
        return [invalid(f"data[{key}]", _REDACTED, message)]
    if not isinstance(json.loads(content), dict | None):
        text = f"json: cannot unmarshal {_go_kind(json.loads(content))} into Go value of type map[string]interface {{}}"
        return [invalid(f"data[{key}]", _REDACTED, text)]
    return []


def _go_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "array" if isinstance(value, list) else "string" if isinstance(value, str) else "number"
