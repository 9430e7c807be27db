"""The Pod Security Standards: which pods a level forbids, and why (KEP-2579).

Belongs here: pure checks of a pod's metadata and spec. Forbidden here: namespaces, users, admission.
"""

from cloudk8s.api.pod_security.levels import Violation, evaluate
from cloudk8s.api.pod_security.policy import PREFIX, Level, LevelVersion, Policy, parse_level, parse_version

__all__ = ["PREFIX", "Level", "LevelVersion", "Policy", "Violation", "evaluate", "parse_level", "parse_version"]
"""The package's public names."""
