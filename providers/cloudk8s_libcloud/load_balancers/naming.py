"""Names that say whose a balancer is, and what it was made for: most drivers can store nothing else. Pure.

`k<cluster><uid>`, 32 characters that every cloud takes, and for balancers of one port `-<t|u><port>-<node port>`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from dataclasses import dataclass

from cloudk8s.cloud.model.load_balancer import Protocol

_NAME = re.compile(r"^k([a-z2-7]{5})([a-z2-7]{26})(?:-([tu])(\d{1,5})-(\d{1,5}))?$")


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """One port of a balancer, and where its traffic goes on a node."""

    protocol: Protocol
    port: int
    back: int


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says."""

    cluster_mark: str
    uid: str
    listener: Listener | None = None


def cluster_mark(cluster: str) -> str:
    """Five characters that stand for a cluster."""
    return _base32(hashlib.sha256(cluster.encode()).digest())[:5]


def balancer_name(cluster: str, uid: str, listener: Listener | None = None) -> str:
    """The name of a Service's balancer, or of the one for a single port of it."""
    name = f"k{cluster_mark(cluster)}{_base32(_uuid(uid).bytes)}"
    return f"{name}-{listener.protocol[0].lower()}{listener.port}-{listener.back}" if listener else name


def parse(name: str) -> Named | None:
    """What a name says; None for a name that was not made here."""
    match = _NAME.match(name)
    if match is None:
        return None
    mark, owner, kind, port, back = match.groups()
    uid = str(uuid.UUID(bytes=base64.b32decode(f"{owner.upper()}======")))
    protocol: Protocol = "UDP" if kind == "u" else "TCP"
    return Named(mark, uid, Listener(protocol, int(port), int(back)) if kind else None)


def _uuid(uid: str) -> uuid.UUID:
    """The UID itself, as every API server makes them; a stable one for anything else."""
    try:
        return uuid.UUID(uid)
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, uid)


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
