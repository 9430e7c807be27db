"""ServiceAccount: every pod runs as one, with its token mounted."""

from __future__ import annotations

from typing import Any, Final

from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.admission.pod_plugins import is_pod
from cloudk8s.machinery import names

MOUNT_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
_MIRROR: Final = "kubernetes.io/config.mirror"
_EXPIRATION_SECONDS: Final = 3607
"""An hour and a bit; upstream marks tokens that it mounts itself by this value."""


class ServiceAccount(AdmissionPlugin):
    """Upstream's plugin of that name. `extra_certificates` names further ConfigMap/key pairs for the token volume."""

    name = "ServiceAccount"

    def __init__(self, extra_certificates: tuple[tuple[str, str], ...] = ()) -> None:
        self._extra = extra_certificates

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return is_pod(resource) and not subresource and operation == "CREATE"

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        metadata, spec = request.obj["metadata"], request.obj["spec"]
        if _MIRROR in (metadata.get("annotations") or {}):
            self._check_mirror(request, spec)
            return
        if not spec.get("serviceAccountName"):
            spec["serviceAccountName"] = "default"
        spec["serviceAccount"] = spec["serviceAccountName"]
        account = self._account(request, spec["serviceAccountName"])
        if _wants_token(account, spec):
            self._mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(item) for item in account["imagePullSecrets"]]

    def _account(self, request: AdmissionRequest, name: str) -> Object:
        account = self.core.find("", "serviceaccounts", name, request.namespace)
        if account is None:
            reason = f'error looking up service account {request.namespace}/{name}: serviceaccount "{name}" not found'
            raise failures.forbidden(request.resource, request.name, reason)
        return account

    @staticmethod
    def _check_mirror(request: AdmissionRequest, spec: dict[str, Any]) -> None:
        if spec.get("serviceAccountName"):
            reason = "a mirror pod may not reference service accounts"
            raise failures.forbidden(request.resource, request.name, reason)
        for volume in spec.get("volumes") or []:
            if "secret" in volume:
                raise failures.forbidden(request.resource, request.name, "a mirror pod may not reference secrets")

    def _mount_token(self, spec: dict[str, Any]) -> None:
        volumes: list[dict[str, Any]] = spec.get("volumes") or []
        present = [item["name"] for item in volumes if item["name"].startswith("kube-api-access-")]
        name = present[0] if present else names.generate_name("kube-api-access-")
        mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
        needed = False
        for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
            mounts = container.get("volumeMounts") or []
            if any(item.get("mountPath") == MOUNT_PATH for item in mounts):
                continue
            container["volumeMounts"] = [*mounts, dict(mount)]
            needed = True
        if needed and not present:
            spec["volumes"] = [*volumes, {"name": name, "projected": self._projection()}]

    def _projection(self) -> dict[str, Any]:
        sources: list[dict[str, Any]] = [
            {"serviceAccountToken": {"expirationSeconds": _EXPIRATION_SECONDS, "path": "token"}},
            _certificate("kube-root-ca.crt", "ca.crt"),
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _NAMESPACE_FIELD}]}},
        ]
        sources += [_certificate(config_map, key) for config_map, key in self._extra]
        return {"sources": sources, "defaultMode": 420}


_NAMESPACE_FIELD: Final = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}


def _certificate(config_map: str, key: str) -> dict[str, Any]:
    return {"configMap": {"name": config_map, "items": [{"key": key, "path": key}]}}


def _wants_token(account: Object, spec: dict[str, Any]) -> bool:
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = account.get("automountServiceAccountToken")
    return wanted is not False
