"""Which Ingresses are ours, and which of them share one load balancer. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import annotations_of, is_deleting, key_of, name_of, spec_of, uid_of
from cloudk8s_aws.load_balancers.values import Annotations

CONTROLLER = "ingress.k8s.aws/alb"
CLASS = "alb"
LEGACY_CLASS = "kubernetes.io/ingress.class"
PREFIX = "alb.ingress.kubernetes.io/"
FINALIZER = "ingress.k8s.aws/resources"
GROUP_FINALIZER = "group.ingress.k8s.aws/"
DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
OWNER = "ingress-"
"""Begins the owner's id of every group, and of nothing else."""


@dataclass(frozen=True, slots=True)
class IngressGroup:
    """Ingresses behind one load balancer, in the order of their rules."""

    key: str
    """`group/<name>`, or `namespace/name` of the only Ingress."""
    members: tuple[Object, ...] = field(default=(), hash=False)

    @property
    def owner(self) -> str:
        """Who owns the load balancer: the Ingress itself, or the name of the group."""
        if self.key.startswith("group/"):
            return OWNER + hashlib.sha256(self.key.encode()).hexdigest()[:32]
        return OWNER + uid_of(self.members[0])

    @property
    def finalizer(self) -> str:
        return finalizer_of(self.key)


def finalizer_of(key: str) -> str:
    """What keeps an Ingress until its part of the load balancer is gone."""
    head, _, name = key.partition("/")
    return f"{GROUP_FINALIZER}{name}" if head == "group" else FINALIZER


def is_ours(ingress: Object, classes: Mapping[str, Object]) -> bool:
    """Whether the Ingress's class is one of this controller's."""
    wanted = spec_of(ingress).get("ingressClassName") or annotations_of(ingress).get(LEGACY_CLASS)
    if wanted is None:
        return any(_is_default(entry) and _is_our_class(entry) for entry in classes.values())
    known = classes.get(str(wanted))
    return _is_our_class(known) if known is not None else wanted == CLASS and LEGACY_CLASS in annotations_of(ingress)


def group_key(ingress: Object) -> str:
    """The group that an Ingress belongs to. Raises Unsupported for a name that is none."""
    given = Annotations.of(annotations_of(ingress), PREFIX)
    name = given.text("group.name")
    if not name:
        return key_of(ingress)
    if len(name) > 63 or not name.replace("-", "").replace(".", "").isalnum() or name != name.lower():
        raise given.wrong("group.name", f"{name!r} is no name: lower-case letters, digits, hyphens and dots")
    return f"group/{name}"


def group_of(key: str, ingresses: Iterable[Object]) -> IngressGroup:
    """The group with those of its members that stay."""
    members = [entry for entry in ingresses if not is_deleting(entry)]
    return IngressGroup(key, tuple(sorted(members, key=lambda entry: (_order(entry), key_of(entry)))))


def leftover_finalizers(ingress: Object, key: str) -> Sequence[str]:
    """Finalizers of groups that the Ingress has left."""
    finalizers = ingress["metadata"].get("finalizers") or ()
    ours = [entry for entry in finalizers if entry == FINALIZER or entry.startswith(GROUP_FINALIZER)]
    return [entry for entry in ours if entry != finalizer_of(key)]


def _order(ingress: Object) -> int:
    return Annotations.of(annotations_of(ingress), PREFIX).number("group.order", 0, 0, 1000)


def _is_our_class(ingress_class: Object) -> bool:
    return spec_of(ingress_class).get("controller") == CONTROLLER


def _is_default(ingress_class: Object) -> bool:
    return annotations_of(ingress_class).get(DEFAULT_CLASS) == "true" and bool(name_of(ingress_class))
