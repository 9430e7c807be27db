"""Tokens of machines that are to join: one each, known by both sides, good until the machine is a node. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloudk8s.client.interface import Object
from cloudk8s.controllers.bootstrap_tokens import NAMESPACE, TYPE
from cloudk8s.controlplane.machine.rules import MACHINES
from cloudk8s.machinery.times import format_time

LIFETIME = timedelta(hours=1)
MACHINE = "cloudk8s.io/machine"
"""Label of a token's Secret: whose it is."""
PREFIX = "bootstrap-token-"
USER = "system:bootstrap:"


@dataclass(frozen=True, slots=True)
class MachineToken:
    """The token of one machine."""

    machine: str
    text: str

    @property
    def id(self) -> str:
        return self.text.partition(".")[0]

    @property
    def user(self) -> str:
        """Who shows it, to the API."""
        return USER + self.id


def secret_of(token: MachineToken, now: datetime) -> Object:
    """The Secret that makes the token good."""
    data = {
        "token-id": token.id, "token-secret": token.text.partition(".")[2],
        "description": f"machine {token.machine}, until it has joined",
        "expiration": format_time(now + LIFETIME), "auth-extra-groups": MACHINES,
        "usage-bootstrap-authentication": "true", "usage-bootstrap-signing": "true",
    }  # fmt: skip
    metadata = {"name": PREFIX + token.id, "namespace": NAMESPACE, "labels": {MACHINE: token.machine}}
    return {"apiVersion": "v1", "kind": "Secret", "type": TYPE, "metadata": metadata, "stringData": data}


def machine_of(secret: Object) -> str:
    """Whose token a Secret is; empty if it is none of ours."""
    return str((secret["metadata"].get("labels") or {}).get(MACHINE, ""))
