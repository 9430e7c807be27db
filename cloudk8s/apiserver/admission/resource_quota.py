"""ResourceQuota: what a write adds to a namespace must fit into every quota that counts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cloudk8s.api.quota import scopes, usage
from cloudk8s.api.resource import Object, ResourceType
from cloudk8s.apiserver import failures
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.operations.rewrite import rewrite
from cloudk8s.machinery import codec
from cloudk8s.machinery.quantity import Quantity, parse

_SKIPPED: Final = frozenset({"resourcequotas", "events", "leases", "namespaces"})
_COMPUTE: Final = frozenset({"requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "cpu", "memory"})
Amounts = dict[str, Quantity]


class ResourceQuota(AdmissionPlugin):
    """Upstream's plugin of that name; it charges by compare-and-swap, so two writers cannot both take the rest."""

    name = "ResourceQuota"

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        if not resource.namespaced or resource.plural in _SKIPPED or resource.is_virtual:
            return False
        return (operation == "CREATE" and not subresource) or (
            operation == "UPDATE" and subresource in ("", "resize") and resource.plural in usage.MEASURED
        )

    async def validate(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        quotas = [
            quota
            for quota in self.core.few("", "resourcequotas", request.namespace)
            if (quota.get("status") or {}).get("hard") and scopes.matches(quota, request.resource, request.obj)
        ]
        if not quotas:
            return
        added = _difference(request)
        for quota in quotas:
            hard = {name: parse(value) for name, value in quota["status"]["hard"].items()}
            if request.resource.plural == "pods" and request.operation == "CREATE":
                self._check_said(request, quota, hard)
            counted = {name: amount for name, amount in added.items() if name in hard and amount}
            if counted:
                await self._charge(request, quota, counted)

    @staticmethod
    def _check_said(request: AdmissionRequest, quota: Object, hard: Amounts) -> None:
        """A pod under a quota on compute must say what it needs."""
        missing = usage.unsaid(request.obj or {}, [name for name in sorted(hard) if name in _COMPUTE])
        if missing:
            texts = "; ".join(f"{name} for: {','.join(containers)}" for name, containers in missing.items())
            reason = f"failed quota: {quota['metadata']['name']}: must specify {texts}"
            raise failures.forbidden(request.resource, request.name, reason)

    async def _charge(self, request: AdmissionRequest, quota: Object, counted: Amounts) -> None:
        name = quota["metadata"]["name"]

        def charge(live: Object) -> Object:
            status = live["status"]
            hard = {key: parse(value) for key, value in (status.get("hard") or {}).items()}
            used = {key: parse(value) for key, value in (status.get("used") or {}).items()}
            after = {key: used.get(key, Quantity.of(0)) + amount for key, amount in counted.items()}
            over = sorted(
                key for key in after if key in hard and counted[key] > Quantity.of(0) and hard[key] < after[key]
            )
            if over:
                raise failures.forbidden(request.resource, request.name, _exceeded(name, over, counted, used, hard))
            charged: Object = codec.copy(live)
            charged["status"]["used"] = (status.get("used") or {}) | {key: str(value) for key, value in after.items()}
            return charged

        resource = self.core.resource("", "resourcequotas")
        await rewrite(
            self.core, resource, request.namespace, name, charge, owned_through="status", dry_run=request.dry_run
        )


def _difference(request: AdmissionRequest) -> Amounts:
    """What the write adds to the namespace's usage."""
    new = usage.of(request.resource, request.obj or {})
    if request.operation == "CREATE" or request.old is None:
        return new
    old = usage.of(request.resource, request.old)
    zero = Quantity.of(0)
    return {name: new.get(name, zero) - old.get(name, zero) for name in {**new, **old}}


def _exceeded(name: str, over: list[str], counted: Amounts, used: Mapping[str, Any], hard: Amounts) -> str:
    def texts(values: Mapping[str, Any]) -> str:
        return ",".join(f"{key}={values.get(key, Quantity.of(0))}" for key in over)

    return f"exceeded quota: {name}, requested: {texts(counted)}, used: {texts(used)}, limited: {texts(hard)}"
