"""The hash in the names of ReplicaSets and of a DaemonSet's revisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudk8s.controllers.hashes import fnv32a, safe_encode
from cloudk8s.controllers.pod_template.go_text import go_text


def template_hash(template: Mapping[str, Any], collision_count: int | None, *, kubernetes_version: str) -> str:
    """Upstream's hash of a template in that release: 32-bit FNV-1a. `collision_count` makes another one of it."""
    data = go_text(template, int(kubernetes_version.partition(".")[2].partition(".")[0])).encode()
    if collision_count is not None:
        data += collision_count.to_bytes(4, "little") + b"\0\0\0\0"
    return safe_encode(str(fnv32a(data)))
