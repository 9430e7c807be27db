"""One pod, as the scheduler keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key_of, name_of, namespace_of, uid_of
from cloudk8s.scheduler.pod.shape import Shape


@dataclass(slots=True, eq=False)
class Pod:
    """A pod and its shape; compared by identity, found by key."""

    key: str
    uid: str
    obj: Object
    shape: Shape
    node: str = ""
    """Where it runs, or is assumed to."""
    is_terminating: bool = False
    slot: int = -1
    """The row of the node, while the pod is in the cluster."""

    @staticmethod
    def of(obj: Object, shape: Shape) -> Pod:
        metadata = obj["metadata"]
        node = obj["spec"].get("nodeName") or ""
        return Pod(key_of(obj), uid_of(obj), obj, shape, node, "deletionTimestamp" in metadata)

    @property
    def name(self) -> str:
        return name_of(self.obj)

    @property
    def namespace(self) -> str:
        return namespace_of(self.obj)

    @property
    def priority(self) -> int:
        return self.shape.priority

    @property
    def spec(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.obj["spec"]
        return spec

    @property
    def nominated_node(self) -> str:
        """The node that preemption makes room on for this pod."""
        return str((self.obj.get("status") or {}).get("nominatedNodeName") or "")

    @property
    def start_time(self) -> str:
        """When it started; one that has not is the youngest."""
        return str((self.obj.get("status") or {}).get("startTime") or "9999")


def is_finished(obj: Object) -> bool:
    """Whether the pod has ended and holds nothing any more."""
    return (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed")
