"""Which nodes take traffic of load balancers. Pure.

Readiness is no part of it: the load balancer's health checks find that out faster than any API call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import is_deleting, labels_of
from cloudk8s.cloud.controllers.node_reference import EXCLUDE, TO_BE_DELETED, has_taint, node_ref, provider_id_of
from cloudk8s.cloud.model.instance import NodeRef

TRUE = ("1", "t", "T", "true", "TRUE", "True")
FALSE = ("0", "f", "F", "false", "FALSE", "False")

Selector = Mapping[str, str]
"""Labels that a node must have; an empty value asks for the key only."""


def is_excluded(node: Object) -> bool:
    """Whether the node asks to be left out: the label is there, and is not plainly false."""
    return EXCLUDE in labels_of(node) and labels_of(node)[EXCLUDE] not in FALSE


def takes_traffic(node: Object) -> bool:
    """Whether the node is a member of load balancers at all."""
    return not (is_deleting(node) or is_excluded(node) or has_taint(node, TO_BE_DELETED))


def parse_selector(text: str) -> Selector:
    """`k=v,k2=` as a selector."""
    pairs = (part.strip().partition("=") for part in text.split(",") if part.strip())
    return {key.strip(): value.strip() for key, _, value in pairs}


def select(nodes: Iterable[Object], selector: Selector) -> tuple[NodeRef, ...]:
    """The members, ordered by name."""
    chosen = (node for node in nodes if takes_traffic(node) and matches(labels_of(node), selector))
    return tuple(sorted((node_ref(node) for node in chosen), key=lambda ref: ref.name))


def matches(labels: Mapping[str, str], selector: Selector) -> bool:
    """Whether labels satisfy a selector."""
    return all(key in labels and (not value or labels[key] == value) for key, value in selector.items())


def changes_membership(old: Object, new: Object, label_keys: Iterable[str]) -> bool:
    """Whether an update of a node calls for a look at the members: exclusion, identity, or a selector's label."""
    if is_excluded(old) != is_excluded(new) or provider_id_of(old) != provider_id_of(new):
        return True
    before, after = labels_of(old), labels_of(new)
    return any(before.get(key) != after.get(key) for key in label_keys)
