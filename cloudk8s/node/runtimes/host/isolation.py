"""What this host and this user allow: found out by trying, not by asking for root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Isolation:
    """What containers can be given here."""

    mounts: bool = False
    """Mount namespaces: volumes at their paths, root file systems from images."""
    processes: bool = False
    """PID, IPC and UTS namespaces."""
    network: bool = False
    """A network namespace and an address for each pod."""
    users: bool = False
    """Processes may become any user."""
    recursive_readonly: bool = False
    """What is mounted below a read-only volume can be read-only with it."""
    own_users: bool = False
    """A pod may have users that are none of the host's."""
    user_namespace: bool = False
    """The above comes from user namespaces, without privileges on the host."""
    is_inside: bool = False
    """The agent itself is root of such a namespace, and pods are in it."""
    is_relayed: bool = False
    """What leaves the pods' network is carried by the cluster's process."""
    cgroups: Literal["", "v1", "v2"] = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What is missing, in words for the node's condition."""
        lacks = (
            (self.mounts, "mount namespaces (only the image `host`, volumes as directories)"),
            (self.processes, "PID, IPC and UTS namespaces"),
            (self.network, "a network of its own for each pod (pods share the node's address and ports)"),
            (self.users, "other users than the agent's own"),
            (bool(self.cgroups), "limits of CPU, memory and processes"),
            (not self.is_relayed, "ways out of the cluster other than TCP, UDP and ping"),
            (
                self.network or (not self.user_namespace and self.users),
                "names of Services (pods have the host's resolver) and cluster addresses on ports below 1024",
            ),
        )
        return tuple(words for given, words in lacks if not given)


NONE = Isolation()


def found(answer: Mapping[str, Any], cgroups: Literal["", "v1", "v2"], *, is_relayed: bool = False) -> Isolation:
    """What the spawner's attempts showed."""
    return Isolation(
        mounts=bool(answer.get("mounts") and answer.get("processes")),
        processes=bool(answer.get("mounts") and answer.get("processes")),
        network=bool(answer.get("network")),
        users=bool(answer.get("users") and answer.get("mounts")),
        recursive_readonly=bool(answer.get("recursive_readonly") and answer.get("mounts")),
        own_users=bool(answer.get("own_users") and answer.get("mounts") and answer.get("processes")),
        user_namespace=bool(answer.get("user_namespace")),
        is_inside=bool(answer.get("is_inside")),
        is_relayed=is_relayed,
        cgroups=cgroups,
    )
