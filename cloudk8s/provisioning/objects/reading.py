"""What a cluster's own objects say to those who look after its machines; nothing where it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import annotations_of, is_deleting, labels_of, name_of, spec_of
from cloudk8s.client.resources import NAMESPACES
from cloudk8s.cloud.model.machine import Machine
from cloudk8s.errors import NotFound
from cloudk8s.machinery.times import parse_time
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.nodes.drain_rules import Place
from cloudk8s.provisioning.nodes.emptying import DrainPlan
from cloudk8s.provisioning.objects.kinds import (
    CLUSTERS,
    DELETION_ASKED,
    MACHINE_DRAIN_RULES,
    MACHINES,
    NAMESPACE,
    PRE_DRAIN,
    PRE_TERMINATE,
    is_mark,
)


@dataclass(frozen=True, slots=True)
class Sayings:
    """One look at the objects."""

    machines: Mapping[str, Object] = field(default_factory=dict)

    def marks_of(self, machine: Machine) -> Mapping[str, str]:
        """What is written on a machine's object."""
        found = self.machines.get(machine.name)
        if found is None or not stands_for(found, machine):
            return {}
        marks = {key: text for key, text in annotations_of(found).items() if is_mark(key)}
        return {**marks, DELETION_ASKED: "true"} if is_deleting(found) else marks

    def drain_plan(self, api: ClusterApi, machine: str) -> DrainPlan:
        """The rules that hold for a machine, read anew: they are asked for only when one goes."""
        rules = listed(api, MACHINE_DRAIN_RULES)
        if not rules:
            return DrainPlan()
        cluster = next(iter(listed(api, CLUSTERS)), None)
        place = Place(
            labels_of(self.machines[machine]) if machine in self.machines else {},
            labels_of(cluster) if cluster is not None else {},
            {name_of(entry): labels_of(entry) for entry in api.list(NAMESPACES)},
        )
        return DrainPlan(rules, place)


def read_sayings(api: ClusterApi) -> Sayings:
    """Raises what the API raises, but for not knowing the kind."""
    return Sayings({name_of(entry): entry for entry in listed(api, MACHINES)})


def stands_for(obj: Object, machine: Machine) -> bool:
    """Whether an object is of this machine, and not of an earlier one of its name."""
    known = spec_of(obj).get("providerID")
    if known and machine.provider_id and known != machine.provider_id:
        return False
    gone = obj["metadata"].get("deletionTimestamp")
    return not gone or machine.created is None or machine.created <= parse_time(gone)


def listed(api: ClusterApi, resource: Resource) -> Sequence[Object]:
    """All objects of one of our kinds; none where the API does not know it."""
    try:
        return api.list(resource, namespace=NAMESPACE)
    except NotFound:
        return ()


def hook(marks: Mapping[str, str], kind: str) -> str:
    """The first deletion hook of a kind (`PRE_DRAIN`, `PRE_TERMINATE`), as `name: owner`; empty where none is set."""
    names = sorted(key.partition("/")[2] for key in marks if key.partition("/")[0] == kind)
    return f"{names[0]}: {marks[f'{kind}/{names[0]}']}".rstrip(": ") if names else ""


def held_by_hook(marks: Mapping[str, str], *, is_empty: bool) -> str:
    """Why a machine may not be emptied, or once it is, not be deleted yet."""
    kind, what = (PRE_TERMINATE, "pre-terminate") if is_empty else (PRE_DRAIN, "pre-drain")
    found = hook(marks, kind)
    return f"{what} hook {found} has not let it go" if found else ""
