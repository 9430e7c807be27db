"""What a pod needs a node to be able to do, of that which not every node of a cluster may be able to.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-declared-features/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

RESTART_ALL: Final = "RestartAllContainersOnContainerExits"
USERS_ON_HOST_NETWORK: Final = "UserNamespacesHostNetworkSupport"


def required_features(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of features, sorted."""
    found = []
    if any(_restarts_all(container) for container in spec.get("containers") or ()) or any(
        _restarts_all(container) for container in spec.get("initContainers") or ()
    ):
        found.append(RESTART_ALL)
    if spec.get("hostNetwork") and spec.get("hostUsers") is False:
        found.append(USERS_ON_HOST_NETWORK)
    return tuple(found)


def _restarts_all(container: Mapping[str, Any]) -> bool:
    rules = container.get("restartPolicyRules")
    return bool(rules) and any(rule.get("action") == "RestartAllContainers" for rule in rules or ())
