"""Ids of what is ordered here: the same order has the same one, in any process."""

from __future__ import annotations

import hashlib
from pathlib import Path

SCHEME = "local"
REGION = "local"
ZONE = "local-a"


def thing_id(kind: str, directory: Path | None, cluster: str, owner: str, key: str = "") -> str:
    """An id that no other account of this host has."""
    text = "/".join((kind, str(directory), cluster, owner, key))
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def provider_id(cluster: str, name: str) -> str:
    """`local://<cluster>/<node>`."""
    return f"{SCHEME}://{cluster}/{name}"
