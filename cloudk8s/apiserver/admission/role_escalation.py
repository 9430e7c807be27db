"""Writes of roles and bindings may not grant what the writer does not have.

Upstream checks this where roles are stored, after admission has changed them; so this comes last.
"""

from __future__ import annotations

from cloudk8s.api.resource import ResourceType
from cloudk8s.apiserver.admission.interface import AdmissionPlugin, AdmissionRequest, Operation
from cloudk8s.apiserver.authorization.escalation import EscalationCheck, Write
from cloudk8s.apiserver.authorization.rbac import BINDINGS, GROUP, ROLES


class RoleEscalation(AdmissionPlugin):
    """Not one of upstream's plugins: it cannot be switched off."""

    name = ""

    def __init__(self) -> None:
        self.check: EscalationCheck | None = None
        """Set when the access rules are known; None lets everything pass."""

    def interested(self, resource: ResourceType, subresource: str, operation: Operation) -> bool:
        is_rbac = resource.group == GROUP and resource.plural in ROLES | BINDINGS
        return is_rbac and operation in ("CREATE", "UPDATE")

    def admit(self, request: AdmissionRequest) -> None:
        if self.check is None or request.obj is None:
            return
        name = request.name if request.operation == "UPDATE" else ""
        write = Write(request.user, request.resource.plural, request.namespace, name, request.obj, request.old)
        self.check.check(write)
