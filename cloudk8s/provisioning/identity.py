"""Who a cluster is in an account: ids that are the same in any process, on any machine. Pure."""

from __future__ import annotations

import hashlib

from cloudk8s.cloud.stack.resource import Owner


def cluster_uid(name: str) -> str:
    """The owner's UID on everything of a cluster; a name is a cluster once in an account."""
    return f"cluster-{_short(name, 12)}"


def owner_of(name: str) -> Owner:
    """The owner of a cluster's network and everything around it."""
    return Owner(name, cluster_uid(name), f"cluster {name}")


def machine_uid(network_id: str, name: str) -> str:
    """A machine's UID; another one in a network that was made anew, so that no idempotency token is used twice.

    It ends like the name, in the machine's number: providers may write many of them as one range.
    """
    return f"{_short(network_id or 'no-network', 8)}.{name}"


def _short(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
