"""Who works on a cluster that looks after itself: its own manager, or a command from anywhere; never both.

A Lease in the cluster says whose turn it is. It is taken for the length of a command or of one look of the manager,
renewed at every pass, and given back; who dies loses it after a minute.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of
from cloudk8s.client.resources import LEASES
from cloudk8s.errors import AlreadyExists, Conflict
from cloudk8s.machinery.times import format_micro_time, parse_time
from cloudk8s.provisioning.nodes.api import ClusterApi

NAME: Final = "cloudk8s-cluster-manager"
NAMESPACE: Final = "kube-system"
SECONDS: Final = 60
RENEW_AFTER: Final = timedelta(seconds=15)


def _myself() -> str:
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}"


@dataclass(slots=True)
class Turn:
    """This process's claim. Used by one thread."""

    identity: str = field(default_factory=_myself)
    seconds: int = SECONDS
    _renewed: datetime | None = None

    def take(self, api: ClusterApi, now: datetime) -> str:
        """Take the turn, or keep it; returns who has it instead, nothing where it is ours."""
        if self._renewed is not None and now - self._renewed < RENEW_AFTER:
            return ""
        lease = self._find(api)
        holder = "" if lease is None else _holder(lease, now)
        if holder and holder != self.identity:
            self._renewed = None
            return holder
        return self._write(api, lease, now)

    def give_back(self, api: ClusterApi) -> None:
        """Let others work; nothing where it is not ours."""
        if self._renewed is None:
            return
        self._renewed = None
        lease = self._find(api)
        if lease is not None and spec_of(lease).get("holderIdentity") == self.identity:
            try:
                api.update(LEASES, {**lease, "spec": {**spec_of(lease), "holderIdentity": ""}})
            except Conflict:
                return  # somebody has it already

    def _find(self, api: ClusterApi) -> Object | None:
        found = api.list(LEASES, namespace=NAMESPACE, fields=f"metadata.name={NAME}")
        return found[0] if found else None

    def _write(self, api: ClusterApi, lease: Object | None, now: datetime) -> str:
        spec = dict(spec_of(lease)) if lease is not None else {}
        is_new = spec.get("holderIdentity") != self.identity
        time = format_micro_time(now)
        wanted: dict[str, Any] = {
            "holderIdentity": self.identity, "leaseDurationSeconds": self.seconds, "renewTime": time,
            "acquireTime": time if is_new else spec.get("acquireTime", time),
            "leaseTransitions": int(spec.get("leaseTransitions") or 0) + is_new,
        }  # fmt: skip
        metadata = lease["metadata"] if lease is not None else {"name": NAME, "namespace": NAMESPACE}
        obj = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": wanted}
        try:
            if lease is None:
                api.create(LEASES, obj)
            else:
                api.update(LEASES, obj)
        except (AlreadyExists, Conflict):
            return "another process"
        self._renewed = now
        return ""


def _holder(lease: Object, now: datetime) -> str:
    """Who holds a lease that has not run out."""
    spec = spec_of(lease)
    holder, renewed = str(spec.get("holderIdentity") or ""), spec.get("renewTime")
    if not holder or not renewed:
        return ""
    lasts = timedelta(seconds=int(spec.get("leaseDurationSeconds") or SECONDS))
    return holder if now - parse_time(renewed) < lasts else ""
