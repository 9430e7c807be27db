"""Whether a container that has ended is started again: the pod's policy, the container's own, its restart rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.node.pods.pod import (
    Container,
    containers,
    deletion_time,
    init_containers,
    restart_policy,
)
from cloudk8s.node.runtimes.interface import Container as RuntimeContainer

RESTART_ALL: Final = "RestartAllContainers"


def policy_of(pod: Object, container: Container) -> str:
    """The container's own policy, or the pod's."""
    return str(container.get("restartPolicy") or restart_policy(pod))


def is_restarted(pod: Object, container: Container, exit_code: int) -> bool:
    """Whether a container that ended with this code is started again."""
    if _action(container, exit_code):
        return True
    policy = policy_of(pod, container)
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def restart_all(pod: Object, latest: Callable[[str], RuntimeContainer | None]) -> bool:
    """Whether a container has ended in the way that its rules say begins the whole pod anew."""
    for container in (*init_containers(pod), *containers(pod)):
        status = latest(container["name"])
        if status is not None and status.state == "exited" and _action(container, status.exit_code) == RESTART_ALL:
            return True
    return False


def may_restart_all(pod: Object) -> bool:
    """Whether any container has such a rule."""
    every = (*init_containers(pod), *containers(pod))
    return any(rule.get("action") == RESTART_ALL for each in every for rule in each.get("restartPolicyRules") or ())


def is_wanted(pod: Object, container: Container, status: RuntimeContainer | None) -> bool:
    """Whether a container should be started now, seeing how its latest run stands."""
    if deletion_time(pod) is not None:
        return False
    if status is None or status.state in ("created", "unknown"):
        return True
    return status.state == "exited" and is_restarted(pod, container, status.exit_code)


def may_restart_after_failure(pod: Object, container: Container) -> bool:
    """Whether a failed container comes again, whatever its code; for probes."""
    return policy_of(pod, container) != "Never"


def _action(container: Container, exit_code: int) -> str:
    """What the first rule that applies says; empty where none does."""
    for rule in container.get("restartPolicyRules") or ():
        if _applies(rule, exit_code):
            return str(rule.get("action", "Restart"))
    return ""


def _applies(rule: Container, exit_code: int) -> bool:
    codes = rule.get("exitCodes") or {}
    values = codes.get("values") or ()
    return exit_code in values if codes.get("operator") == "In" else exit_code not in values
