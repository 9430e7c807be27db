"""How a pod wants a volume labelled, and whether two pods can have it their way.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#efficient-selinux-volume-relabeling
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import spec_of

MOUNT_OPTION: Final = "MountOption"
_PARTS: Final = ("user", "role", "type", "level")


@dataclass(frozen=True, slots=True)
class Wish:
    """How one pod wants one volume."""

    label: str
    """`USER:ROLE:TYPE:LEVEL`, each part empty where the pod leaves it to the node; empty if it leaves all."""
    policy: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """One aspect that two pods want different, as one of them is told."""

    aspect: str
    mine: str
    theirs: str

    @property
    def reason(self) -> str:
        return f"{self.aspect}Conflict"

    def message(self, other: str) -> str:
        """`other` is the name of the other pod; empty where it lives in another namespace, which is told nobody."""
        begin = f"{self.aspect} {_quoted(self.mine)} conflicts with"
        end = "If both pods land on the same node, only one of them may access the volume."
        if not other:
            theirs = f"another pod that uses the same volume as this pod with a different {self.aspect}"
        else:
            theirs = f"pod {other} that uses the same volume as this pod with {self.aspect} {_quoted(self.theirs)}"
        return f"{begin} {theirs}. {end}"


def labels_of_mounts(pod: Object, volume: str) -> set[str]:
    """The labels that the containers which mount a volume run with; more than one is a mistake."""
    found = set()
    for container in _containers(pod):
        mounts = [*(container.get("volumeMounts") or ()), *(container.get("volumeDevices") or ())]
        if any(mount.get("name") == volume for mount in mounts):
            found.add(_label_of(pod, container))
    return found


def policy_of(pod: Object) -> str:
    """How the pod wants volumes labelled."""
    return str((spec_of(pod).get("securityContext") or {}).get("seLinuxChangePolicy") or MOUNT_OPTION)


def conflicts(mine: Wish, theirs: Wish) -> Iterator[Conflict]:
    """What cannot be on one node, as the pod that wants `mine` sees it."""
    if mine.policy != theirs.policy:
        yield Conflict("SELinuxChangePolicy", mine.policy, theirs.policy)
    if are_different(mine.label, theirs.label):
        yield Conflict("SELinuxLabel", mine.label, theirs.label)


def are_different(one: str, other: str) -> bool:
    """Whether labels differ in a part that both of them set: the rest is made equal by the node."""
    pairs = zip(one.split(":", 3), other.split(":", 3), strict=False)
    return any(a and b and a != b for a, b in pairs)


def _containers(pod: Object) -> Iterator[Object]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec_of(pod).get(field) or ()


def _label_of(pod: Object, container: Object) -> str:
    options = (container.get("securityContext") or {}).get("seLinuxOptions")
    options = options or (spec_of(pod).get("securityContext") or {}).get("seLinuxOptions")
    return ":".join(str(options.get(part) or "") for part in _PARTS) if options else ""


def _quoted(text: str) -> str:
    return f'"{text}"'
