"""What pods are told about their volumes; the words are upstream's."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, namespace_of


def attached(persistent_volume: str) -> str:
    return f'AttachVolume.Attach succeeded for volume "{persistent_volume}" '


def failed(persistent_volume: str, error: str) -> str:
    return f'AttachVolume.Attach failed for volume "{persistent_volume}" : {error}'


def taken(persistent_volume: str, pod: Object, users: Sequence[Object]) -> str:
    """Why a pod cannot have a volume that another node has; pods of other namespaces are not named."""
    return f'Multi-Attach error for volume "{persistent_volume}" {_by_whom(pod, users)}'


def _by_whom(pod: Object, users: Sequence[Object]) -> str:
    if not users:
        return "Volume is already exclusively attached to one node and can't be attached to another"
    near = [name_of(user) for user in users if namespace_of(user) == namespace_of(pod)]
    far = len(users) - len(near)
    elsewhere = f"{far} pod(s) in different namespaces"
    if not near:
        return f"Volume is already used by {elsewhere}"
    message = f"Volume is already used by pod(s) {', '.join(near)}"
    return f"{message} and {elsewhere}" if far else message
