"""What the server adds to a CertificateSigningRequest: who asks, and when a condition was set."""

from __future__ import annotations

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.machinery.times import format_time


class CertificateRequester(AdmissionPlugin):
    """Not a plugin of upstream's, which does the same in the kind's strategy."""

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        return resource.plural == "certificatesigningrequests" and operation in ("CREATE", "UPDATE")

    def admit(self, request: AdmissionRequest) -> None:
        assert request.obj is not None
        if request.operation == "UPDATE":
            self._stamp(request)
            return
        spec, user = request.obj["spec"], request.user.as_dict()
        for field in ("username", "uid", "groups", "extra"):
            spec.pop(field, None)
            if user.get(field):
                spec[field] = user[field]

    def _stamp(self, request: AdmissionRequest) -> None:
        """New conditions get their times from the server's clock."""
        now = format_time(self.core.clock.now())
        before = ((request.old or {}).get("status") or {}).get("conditions") or []
        changed = {(item.get("type"), item.get("status")): item.get("lastTransitionTime") for item in before}
        for condition in ((request.obj or {}).get("status") or {}).get("conditions") or []:
            if not condition.get("lastUpdateTime"):
                condition["lastUpdateTime"] = now
            if not condition.get("lastTransitionTime"):
                same = (condition.get("type"), condition.get("status"))
                condition["lastTransitionTime"] = changed.get(same) or now
