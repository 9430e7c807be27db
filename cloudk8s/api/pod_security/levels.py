"""The checks of each level, in upstream's order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.api.pod_security import baseline, restricted
from cloudk8s.api.pod_security.baseline import Found
from cloudk8s.api.pod_security.pod_view import PodView
from cloudk8s.api.pod_security.policy import LevelVersion
from cloudk8s.api.resource import Object

Check = Callable[[PodView, int], Found]


@dataclass(frozen=True, slots=True)
class Violation:
    """One check that a pod fails."""

    reason: str
    detail: str

    def __str__(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


_BASELINE: Final[Sequence[Check]] = (
    baseline.app_armor,
    baseline.capabilities,
    baseline.host_namespaces,
    baseline.host_path_volumes,
    baseline.host_ports,
    baseline.host_probes,
    baseline.privileged,
    baseline.proc_mount,
    baseline.selinux_options,
    baseline.seccomp_profile,
    baseline.sysctls,
    baseline.windows_host_process,
)
_RESTRICTED: Final[Sequence[Check]] = (
    baseline.app_armor,
    baseline.host_namespaces,
    baseline.host_ports,
    baseline.host_probes,
    baseline.privileged,
    baseline.selinux_options,
    baseline.sysctls,
    baseline.windows_host_process,
    restricted.allow_privilege_escalation,
    restricted.capabilities,
    baseline.restricted_proc_mount,
    restricted.restricted_volumes,
    restricted.run_as_non_root,
    restricted.run_as_user,
    restricted.seccomp_profile,
)


def evaluate(level: LevelVersion, metadata: Object, spec: Object) -> list[Violation]:
    """Every check of the level that the pod fails."""
    if level.level == "privileged":
        return []
    checks = _BASELINE if level.level == "baseline" else _RESTRICTED
    pod = PodView(metadata, spec)
    found = (check(pod, level.minor) for check in checks)
    return [Violation(*item) for item in found if item is not None]
