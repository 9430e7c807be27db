"""The PersistentVolumeClaims of a pod, by name."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.scheduler.pod.pod import Pod


@dataclass(frozen=True, slots=True)
class ClaimReference:
    """A claim that a pod uses."""

    namespace: str
    name: str
    is_ephemeral: bool
    """Made for this pod alone, from a template in it."""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


def claims_of(pod: Pod) -> tuple[ClaimReference, ...]:
    """The claims that the volumes of a pod refer to."""
    found = []
    for volume in pod.shape.volumes:
        if claim := volume.get("persistentVolumeClaim"):
            found.append(ClaimReference(pod.namespace, claim.get("claimName", ""), is_ephemeral=False))
        elif "ephemeral" in volume:
            found.append(ClaimReference(pod.namespace, f"{pod.name}-{volume['name']}", is_ephemeral=True))
    return tuple(found)
