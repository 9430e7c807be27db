"""What holds machines back although their cluster is to go: deletion hooks, as long as its API answers.

Who set a hook has something to do with the machine first, and takes it away through the API: so the control plane stays
while any hook is left. A cluster whose API does not answer has no hooks any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudk8s.client.objects import annotations_of, name_of
from cloudk8s.client.resources import NODES
from cloudk8s.errors import CloudK8sError
from cloudk8s.provisioning.machines.view import MachineView
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.objects.kinds import is_mark
from cloudk8s.provisioning.objects.reading import held_by_hook, read_sayings


def held_back(api: ClusterApi, machines: Sequence[MachineView]) -> dict[str, str]:
    """Why machines may not be deleted yet, by name; nobody where the API does not answer, or runs nowhere any more."""
    if not any(view.machine.role == "control-plane" and view.exists for view in machines):
        return {}
    try:
        sayings = read_sayings(api)
        nodes = {name_of(node): annotations_of(node) for node in api.list(NODES)}
    except CloudK8sError:
        return {}
    found = {}
    for view in machines:
        marks = {key: text for key, text in nodes.get(view.name, {}).items() if is_mark(key)}
        marks |= sayings.marks_of(view.machine)
        if reason := held_by_hook(marks, is_empty=False) or held_by_hook(marks, is_empty=True):
            found[view.name] = reason
    return found


def free(machines: Sequence[MachineView], held: Iterable[str]) -> list[MachineView]:
    """Those that may go now: none of the control plane while any is held back."""
    names = set(held)
    return [view for view in machines if not names or (view.name not in names and view.machine.role == "worker")]
