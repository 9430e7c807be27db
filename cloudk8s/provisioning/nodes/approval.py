"""Whether a machine gets its first certificate. Pure.

A token alone is not enough: the request must be for the node of the machine that the token was made for, the cloud must
say that this machine is there, and there must be no such node at work already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, spec_of, status_of
from cloudk8s.controllers.certificates.requests import BadRequestContent, content_of, signer_of, usages_of
from cloudk8s.controllers.certificates.rules import KUBELET_CLIENT, kubelet_client
from cloudk8s.provisioning.nodes.tokens import USER


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request."""

    request: Object
    approved: bool
    message: str

    @property
    def name(self) -> str:
        return name_of(self.request)

    def with_condition(self, now: str) -> dict[str, Any]:
        """The request, decided."""
        condition = {
            "type": "Approved" if self.approved else "Denied", "status": "True",
            "reason": "CloudConfirmed" if self.approved else "NotConfirmed", "message": self.message,
            "lastUpdateTime": now, "lastTransitionTime": now,
        }  # fmt: skip
        status = status_of(self.request)
        return {**self.request, "status": {**status, "conditions": [*(status.get("conditions") or ()), condition]}}


def judge(
    request: Object, tokens: Mapping[str, str], present: Collection[str], serving: Collection[str]
) -> Verdict | None:
    """None leaves a request to others, or to later.

    `tokens` are machines by their token's user, `present` the machines that the cloud says are there, `serving` nodes
    that are ready.
    """
    user = str(spec_of(request).get("username", ""))
    if signer_of(request) != KUBELET_CLIENT or not user.startswith(USER) or status_of(request).get("conditions"):
        return None
    machine = tokens.get(user)
    if machine is None:
        return None
    try:
        content = content_of(request)
    except BadRequestContent as error:
        return Verdict(request, False, str(error))
    if refusal := kubelet_client(content, usages_of(request)):
        return Verdict(request, False, refusal)
    if content.common_name != f"system:node:{machine}":
        return Verdict(request, False, f"the token is that of machine {machine}, not of {content.common_name}")
    if machine in serving:
        return Verdict(request, False, f"node {machine} is ready already: its token was used")
    if machine not in present:
        return None  # the cloud may be late; the token ends, so it is not for ever
    return Verdict(request, True, f"the cloud confirms machine {machine}")
