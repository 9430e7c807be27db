"""Where a volume's bytes come from: the sources that pods and persistent volumes have in common, and each one's own.

A rule takes the source, its path and a `Place`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.api.field_errors import forbidden, invalid, not_supported, required, too_long
from cloudk8s.api.validation import names
from cloudk8s.api.validation.pod.paths import check_descending, check_no_backsteps
from cloudk8s.api.validation.values import Errors, check_rule

Source = Mapping[str, Any]
_ISCSI_PREFIXES: Final = ("iqn", "eui", "naa")
_ISCSI_FORMATS: Final = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9.-]+)(:[^,;*&$|\s]+)$", re.ASCII).search,
    "eui": re.compile(r"eui.[A-Za-z0-9]{16}").fullmatch,
    "naa": re.compile(r"naa.[A-Za-z0-9]{32}").fullmatch,
}
_HOST_PATH_TYPES: Final = frozenset(
    {"", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"}
)
_HOST_PORTS: Final = "must be a host:port pair or multiple pairs separated by commas"
_ONE_SOURCE: Final = "may not specify more than 1 volume type"


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule needs to know about the volume around the source."""

    name: str = ""
    persistent: bool = False
    """A PersistentVolume's source: secrets are in a namespace, some texts differ."""


Rule = Callable[[Errors, str, Source, Place], None]
Table = Mapping[str, tuple[str, str, Rule]]
"""By field, in upstream's order: the name in paths, the name when it is one source too many, the rule."""


def check_one_source(errors: Errors, path: str, holder: Source, table: Table, place: Place) -> None:
    """Exactly one source is set; the second one is reported as one too many."""
    present = [field for field, source in holder.items() if field in table and source is not None]
    if not present:
        errors.append(required(path, "must specify a volume type"))
        return
    if len(present) > 1:
        present = [field for field in table if field in present]
    for field in present:
        shown, repeated, rule = table[field]
        if field != present[0] and field != "flexVolume":
            errors.append(forbidden(f"{path}.{repeated}", _ONE_SOURCE))
        else:
            rule(errors, f"{path}.{shown}", holder[field], place)


def require(errors: Errors, path: str, source: Source, *fields: str) -> None:
    for field in fields:
        if not source.get(field):
            errors.append(required(f"{path}.{field}"))


def host_path(errors: Errors, path: str, source: Source, place: Place) -> None:
    if not (target := source.get("path")):
        errors.append(required(f"{path}.path"))
        return
    check_no_backsteps(errors, f"{path}.path", target)
    if (kind := source.get("type")) is not None and kind not in _HOST_PATH_TYPES:
        errors.append(not_supported(f"{path}.type", kind, _HOST_PATH_TYPES))


def git_repo(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "repository")
    check_descending(errors, f"{path}.directory", source.get("directory") or "")


def gce_disk(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "pdName")
    _partition(errors, path, source)


def aws_store(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "volumeID")
    _partition(errors, path, source)


def nfs(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "server", "path")
    if not (target := source.get("path") or "").startswith("/"):
        errors.append(invalid(f"{path}.path", target, "must be an absolute path"))


def iscsi(errors: Errors, path: str, source: Source, place: Place) -> None:
    portal, name, initiator = source.get("targetPortal") or "", source.get("iqn") or "", source.get("initiatorName")
    require(errors, path, source, "targetPortal")
    too_long_for_initiator = initiator is not None and len(f"{place.name}:{portal}") > 64
    text = (
        "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters "
        "if iscsi.initiatorName is specified."
    )
    if too_long_for_initiator and place.persistent:
        errors.append(invalid(f"{path}.targetportal", portal, text))
    if not name:
        errors.append(required(f"{path}.iqn"))
    else:
        _qualified_iscsi(errors, f"{path}.iqn", name, place)
    if not 0 <= (lun := source.get("lun") or 0) <= 255:
        errors.append(invalid(f"{path}.lun", lun, "must be between 0 and 255, inclusive"))
    secret = source.get("secretRef")
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and secret is None:
        errors.append(required(f"{path}.secretRef"))
    if place.persistent and secret is not None:
        require(errors, f"{path}.secretRef", secret, "name")
    if initiator is not None:
        _qualified_iscsi(errors, f"{path}.initiatorname", initiator, place)
    if too_long_for_initiator and not place.persistent:
        errors.append(invalid(f"{path.rpartition('.')[0]}.name", place.name, text))


def glusterfs(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "endpoints", "path")
    namespace = source.get("endpointsNamespace") if place.persistent else None
    if namespace == "":
        text = "if the endpointnamespace is set, it must be a valid namespace name"
        errors.append(invalid(f"{path}.endpointsNamespace", namespace, text))
    elif namespace is not None:
        check_rule(errors, f"{path}.endpointsNamespace", namespace, names.dns_label)


def flocker(errors: Errors, path: str, source: Source, place: Place) -> None:
    name, uuid = source.get("datasetName") or "", source.get("datasetUUID") or ""
    if not name and not uuid:
        errors.append(required(path, "one of datasetName and datasetUUID is required"))
    if name and uuid:
        text = "datasetName and datasetUUID can not be specified simultaneously"
        errors.append(invalid(path, "resource", text))
    if "/" in name:
        errors.append(invalid(f"{path}.datasetName", name, "must not contain '/'"))


def rbd(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "monitors", "image")


def cinder(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "volumeID")
    _secret(errors, path, source, place)


def ceph_fs(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "monitors")


def quobyte(errors: Errors, path: str, source: Source, place: Place) -> None:
    registry = source.get("registry") or ""
    if not registry:
        errors.append(required(f"{path}.registry", _HOST_PORTS))
    elif len(source.get("tenant") or "") >= 65:
        text = "must be a UUID and may not exceed a length of 64 characters"
        errors.append(required(f"{path}.tenant", text))
    else:
        for pair in registry.split(","):
            if ":" not in pair or (pair.count(":") > 1 and not pair.startswith("[")):
                errors.append(invalid(f"{path}.registry", registry, _HOST_PORTS))
    require(errors, path, source, "volume")


def fibre_channel(errors: Errors, path: str, source: Source, place: Place) -> None:
    targets, wwids = source.get("targetWWNs") or [], source.get("wwids") or []
    if not targets and not wwids:
        errors.append(required(f"{path}.targetWWNs", "must specify either targetWWNs or wwids, but not both"))
    if targets and wwids:
        text = "targetWWNs and wwids can not be specified simultaneously"
        errors.append(invalid(f"{path}.targetWWNs", targets, text))
    if targets:
        lun = source.get("lun")
        if lun is None:
            errors.append(required(f"{path}.lun", "lun is required if targetWWNs is specified"))
        elif not 0 <= lun <= 255:
            errors.append(invalid(f"{path}.lun", lun, "must be between 0 and 255, inclusive"))


def flex(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "driver")
    for key in source.get("options") or ():
        namespace = "." + key.partition("/")[0].lower()
        if namespace.endswith((".kubernetes.io", ".k8s.io")):
            text = "kubernetes.io and k8s.io namespaces are reserved"
            errors.append(invalid(f"{path}.options[{key}]", key, text))


def azure_file(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "secretName", "shareName")
    if place.persistent and source.get("secretNamespace") == "":
        errors.append(required(f"{path}.secretNamespace"))


def azure_disk(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "diskName", "diskURI")
    uri, kind, caching = source.get("diskURI") or "", source.get("kind"), source.get("cachingMode")
    modes, kinds = frozenset({"None", "ReadOnly", "ReadWrite"}), frozenset({"Shared", "Dedicated", "Managed"})
    if caching is not None and caching not in modes:
        errors.append(not_supported(f"{path}.cachingMode", caching, modes))
    if kind is not None and kind not in kinds:
        errors.append(not_supported(f"{path}.kind", kind, kinds))
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        form = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        errors.append(not_supported(f"{path}.diskURI", uri, (form,)))
    if kind not in (None, "Managed") and not uri.startswith("https://"):
        form = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        errors.append(not_supported(f"{path}.diskURI", uri, (form,)))


def vsphere(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "volumePath")


def photon(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "pdID")


def portworx(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "volumeID")


def scale_io(errors: Errors, path: str, source: Source, place: Place) -> None:
    require(errors, path, source, "gateway", "system", "volumeName")


def storage_os(errors: Errors, path: str, source: Source, place: Place) -> None:
    if name := source.get("volumeName"):
        check_rule(errors, f"{path}.volumeName", name, names.dns_label)
    else:
        errors.append(required(f"{path}.volumeName"))
    if namespace := source.get("volumeNamespace"):
        check_rule(errors, f"{path}.volumeNamespace", namespace, names.dns_label)
    _secret(errors, path, source, place)


def check_driver_name(errors: Errors, path: str, name: str) -> None:
    """The name of a CSI driver."""
    if not name:
        errors.append(required(path))
    if len(name) > 63:
        errors.append(too_long(path, 63))
    if name:
        errors.extend(invalid(path, name, text) for text in names.dns_subdomain(name.lower()))


def _secret(errors: Errors, path: str, source: Source, place: Place) -> None:
    if (secret := source.get("secretRef")) is not None:
        require(errors, f"{path}.secretRef", secret, "name", *(["namespace"] if place.persistent else []))


def _partition(errors: Errors, path: str, source: Source) -> None:
    if not 0 <= (partition := source.get("partition") or 0) <= 255:
        errors.append(invalid(f"{path}.partition", partition, "must be between 1 and 255, inclusive"))


def _qualified_iscsi(errors: Errors, path: str, name: str, place: Place) -> None:
    prefix = name[:3]
    if prefix not in _ISCSI_PREFIXES:
        suffix = "" if place.persistent else " starting with iqn, eui, or naa"
        errors.append(invalid(path, name, f"must be valid format{suffix}"))
    elif not _ISCSI_FORMATS[prefix](name):
        errors.append(invalid(path, name, "must be valid format"))
