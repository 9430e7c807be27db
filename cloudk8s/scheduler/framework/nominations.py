"""Pods that room is being made for: on their node, they count for all that matter no more than they do."""

from __future__ import annotations

from collections.abc import Sequence

from cloudk8s.scheduler.pod.pod import Pod


class Nominations:
    """Nominated pods by node; a pod is nominated to one node at a time."""

    def __init__(self) -> None:
        self._by_node: dict[str, dict[str, Pod]] = {}
        self._nodes: dict[str, str] = {}
        self.version = 0
        """Changes with every nomination."""

    def __len__(self) -> int:
        return len(self._nodes)

    def put(self, pod: Pod, node: str) -> None:
        """A pod is nominated to a node, instead of any other."""
        self.remove(pod.key)
        self.version += 1
        self._nodes[pod.key] = node
        self._by_node.setdefault(node, {})[pod.key] = pod

    def remove(self, key: str) -> None:
        """A pod is nominated no more; idempotent."""
        node = self._nodes.pop(key, None)
        if node is not None:
            self.version += 1
            del self._by_node[node][key]
            if not self._by_node[node]:
                del self._by_node[node]

    def node_of(self, key: str) -> str:
        """The node a pod is nominated to; empty if there is none."""
        return self._nodes.get(key, "")

    def nodes(self) -> Sequence[str]:
        """The nodes that have nominated pods."""
        return list(self._by_node)

    def ahead_of(self, pod: Pod, node: str) -> list[Pod]:
        """The pods nominated to a node that matter at least as much as `pod`."""
        held = self._by_node.get(node)
        if not held:
            return []
        return [other for other in held.values() if other.priority >= pod.priority and other.key != pod.key]

    def behind(self, pod: Pod, node: str) -> list[Pod]:
        """The pods nominated to a node that matter less than `pod`."""
        return [other for other in self._by_node.get(node, {}).values() if other.priority < pod.priority]
