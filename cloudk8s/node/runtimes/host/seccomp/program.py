"""The filter of one container: by its security settings, compiled once for all that ask for the same. Blocks."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path

from cloudk8s.node.runtimes.host import capabilities
from cloudk8s.node.runtimes.host.seccomp.compiler import compile_profile
from cloudk8s.node.runtimes.host.seccomp.default import default_profile
from cloudk8s.node.runtimes.host.seccomp.profile import read
from cloudk8s.node.runtimes.interface import Security


def filter_for(security: Security) -> str:
    """The program in base64, for the shim's description; empty for none. Raises ProfileError."""
    if security.privileged or security.seccomp in ("", "Unconfined"):
        return ""
    names = frozenset(capabilities.names(security))
    if security.seccomp == "RuntimeDefault":
        return _default(names)
    return base64.b64encode(compile_profile(read(Path(security.seccomp), names))).decode()


@lru_cache(maxsize=32)
def _default(names: frozenset[str]) -> str:
    return base64.b64encode(compile_profile(default_profile(names))).decode()
