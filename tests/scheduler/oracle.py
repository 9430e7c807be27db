"""The filters once more, slow and plain, pod by pod and node by node: what the columns must agree with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of
from cloudk8s.machinery import labels as selectors
from cloudk8s.machinery import quantity

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class World:
    """Nodes, and pods with `spec.nodeName`; namespaces with labels."""

    def __init__(self) -> None:
        self.nodes: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.namespaces: dict[str, Mapping[str, str]] = {}

    def on(self, node: str) -> list[Object]:
        return [pod for pod in self.pods.values() if pod["spec"]["nodeName"] == node]

    def fits(self, pod: Object) -> set[str]:
        """The nodes that can take a pod."""
        return {
            name
            for name, node in self.nodes.items()
            if self.has_room(pod, name)
            and self.is_tolerated(pod, node)
            and self.is_selected(pod, node)
            and self.is_spread(pod, node)
            and self.is_in_company(pod, node)
        }

    def has_room(self, pod: Object, name: str) -> bool:
        have = self.nodes[name]["status"]["allocatable"]
        held = self.on(name)
        if len(held) + 1 > int(have["pods"]):
            return False
        for resource, wanted in _requests(pod).items():
            used = sum(_requests(other).get(resource, 0) for other in held)
            if wanted and used + wanted > quantity.parse(have.get(resource, "0")).milli_value:
                return False
        return True

    def is_tolerated(self, pod: Object, node: Object) -> bool:
        tolerated = {item["key"] for item in pod["spec"].get("tolerations") or ()}
        return all(taint["key"] in tolerated for taint in node["spec"].get("taints") or ())

    def is_selected(self, pod: Object, node: Object) -> bool:
        wanted = pod["spec"].get("nodeSelector") or {}
        return wanted.items() <= labels_of(node).items()

    def is_spread(self, pod: Object, node: Object) -> bool:
        constraints = pod["spec"].get("topologySpreadConstraints") or ()
        return all(self.is_even(pod, node, item, constraints) for item in constraints)

    def is_even(self, pod: Object, node: Object, constraint: Any, constraints: Iterable[Any]) -> bool:
        key, selector = constraint["topologyKey"], selectors.from_object(constraint["labelSelector"])
        if key not in labels_of(node):
            return False
        counts: dict[str, int] = {}
        for name, other in self.nodes.items():
            has_all = all(item["topologyKey"] in labels_of(other) for item in constraints)
            if not has_all or not self.is_selected(pod, other):
                continue
            if constraint.get("nodeTaintsPolicy") == "Honor" and not self.is_tolerated(pod, other):
                continue
            domain = labels_of(other)[key]
            found = [held for held in self.on(name) if _counts(held, pod, selector)]
            counts[domain] = counts.get(domain, 0) + len(found)
        least = min(counts.values(), default=2**31)
        if len(counts) < constraint.get("minDomains", 1):
            least = 0
        own = int(selector.matches(labels_of(pod)))
        return counts.get(labels_of(node)[key], 0) + own - least <= int(constraint["maxSkew"])

    def is_in_company(self, pod: Object, node: Object) -> bool:
        return (
            self.is_near(pod, node)
            and not any(self.is_near_one(term, pod, node) for term in terms(pod, "podAntiAffinity"))
            and not any(self.is_shunned(pod, node, other) for other in self.pods.values())
        )

    def is_near(self, pod: Object, node: Object) -> bool:
        wanted = terms(pod, "podAffinity")
        if not wanted:
            return True
        if any(term["topologyKey"] not in labels_of(node) for term in wanted):
            return False
        matching = [other for other in self.pods.values() if all(self.matches(term, pod, other) for term in wanted)]
        placed = [
            other
            for other in matching
            for term in wanted
            if term["topologyKey"] in labels_of(self.nodes.get(other["spec"]["nodeName"], {"metadata": {}}))
        ]
        if not placed and all(self.matches(term, pod, pod) for term in wanted):
            return True
        return all(any(self.is_together(term, node, other) for other in matching) for term in wanted)

    def is_near_one(self, term: Any, pod: Object, node: Object) -> bool:
        return any(
            self.matches(term, pod, other) and self.is_together(term, node, other) for other in self.pods.values()
        )

    def is_shunned(self, pod: Object, node: Object, other: Object) -> bool:
        return any(
            self.matches(term, other, pod) and self.is_together(term, node, other)
            for term in terms(other, "podAntiAffinity")
        )

    def is_together(self, term: Any, node: Object, other: Object) -> bool:
        """Whether another pod is in the node's domain."""
        its = self.nodes.get(other["spec"]["nodeName"])
        if its is None:
            return False
        here, there = labels_of(node).get(term["topologyKey"]), labels_of(its).get(term["topologyKey"])
        return here is not None and here == there

    def matches(self, term: Any, owner: Object, other: Object) -> bool:
        """Whether a term of `owner` selects a pod."""
        namespace = other["metadata"]["namespace"]
        by_labels = term.get("namespaceSelector")
        if by_labels is None:
            is_meant = namespace == owner["metadata"]["namespace"]
        else:
            is_meant = selectors.from_object(by_labels).matches(self.namespaces.get(namespace, {}))
        return is_meant and selectors.from_object(term["labelSelector"]).matches(labels_of(other))


def terms(pod: Object, kind: str) -> list[Any]:
    return list(((pod["spec"].get("affinity") or {}).get(kind) or {}).get(REQUIRED) or ())


def _requests(pod: Object) -> dict[str, int]:
    found = pod["spec"]["containers"][0]["resources"].get("requests") or {}
    return {name: quantity.parse(value).milli_value for name, value in found.items()}


def _counts(held: Object, pod: Object, selector: selectors.Selector) -> bool:
    metadata = held["metadata"]
    if metadata["namespace"] != pod["metadata"]["namespace"] or "deletionTimestamp" in metadata:
        return False
    return selector.matches(labels_of(held))
