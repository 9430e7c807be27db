"""VolumeAttachments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.core.persistent_volume import check_inline_volume_spec
from cloudk8s.api.validation.go_value import go_json
from cloudk8s.api.validation.values import Errors, check_immutable, check_non_negative, check_rule
from cloudk8s.api.validation.volume_sources import check_driver_name

_METADATA_BYTES: Final = 256 * 1024
_MESSAGE_BYTES: Final = 1024
_ONE_SOURCE: Final = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


def check_attachment(errors: Errors, obj: Mapping[str, Any]) -> None:
    """All but metadata."""
    spec = obj["spec"]
    if not spec.get("attacher"):
        errors.append(required("spec.attacher"))
    _check_source(errors, "spec.source", spec.get("source") or {})
    check_rule(errors, "spec.nodeName", spec.get("nodeName") or "", names.dns_subdomain)
    _check_status(errors, obj.get("status") or {})


def check_new_attachment(errors: Errors, spec: Mapping[str, Any]) -> None:
    """Names are held to tighter rules when they are new."""
    if name := spec.get("attacher"):
        check_driver_name(errors, "spec.attacher", name)
    if volume := (spec.get("source") or {}).get("persistentVolumeName"):
        check_rule(errors, "spec.source.persistentVolumeName", volume, names.dns_subdomain)


def check_attachment_kept(errors: Errors, spec: Mapping[str, Any], old: Mapping[str, Any]) -> None:
    check_immutable(errors, "spec", spec, old, go_json(spec, "AttachmentSpec"))


def _check_source(errors: Errors, path: str, source: Mapping[str, Any]) -> None:
    inline, name = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and name is None:
        errors.append(required(path, _ONE_SOURCE))
    elif inline is not None and name is not None:
        errors.append(forbidden(path, _ONE_SOURCE))
    elif inline is not None:
        check_inline_volume_spec(errors, f"{path}.inlineVolumeSpec", inline)
    elif not name:
        errors.append(required(f"{path}.persistentVolumeName", "must specify non empty persistentVolumeName"))


def _check_status(errors: Errors, status: Mapping[str, Any]) -> None:
    data = status.get("attachmentMetadata") or {}
    for key in data:
        if not key:
            errors.append(invalid("status.attachmentMetadata", key, "field can not be empty."))
    if sum(len(key.encode()) + len(value.encode()) for key, value in data.items()) > _METADATA_BYTES:
        errors.append(too_long("status.attachmentMetadata", _METADATA_BYTES))
    for field in ("attachError", "detachError"):
        problem = status.get(field) or {}
        if len((problem.get("message") or "").encode()) > _MESSAGE_BYTES:
            errors.append(too_long(f"status.{field}.message", _MESSAGE_BYTES))
        check_non_negative(errors, f"status.{field}.errorCode", problem.get("errorCode"))
