"""A tainted node and its instance become an initialised node. Pure."""

from __future__ import annotations

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import labels_of
from cloudk8s.cloud.controllers.node_labels import OWNED_LABELS, wanted_labels
from cloudk8s.cloud.controllers.node_reference import UNINITIALIZED, has_taint, provider_id_of, taints_of
from cloudk8s.cloud.model.instance import Instance
from cloudk8s.errors import CloudError
from cloudk8s.machinery import codec


def is_uninitialized(node: Object) -> bool:
    """Whether the node waits for a cloud to describe it."""
    return has_taint(node, UNINITIALIZED)


def initialized(node: Object, instance: Instance) -> Object:
    """The node with providerID and labels, and without the taint.

    Raises CloudError where there is no providerID: it is set here or never, so the taint must stay.
    """
    provider_id = provider_id_of(node) or instance.provider_id
    if not provider_id:
        raise CloudError("the cloud gave no providerID, and the node has none")
    fresh: Object = codec.copy(node)
    fresh["spec"] = {**fresh.get("spec", {}), "providerID": provider_id}
    taints = [dict(taint) for taint in taints_of(node) if taint.get("key") != UNINITIALIZED]
    fresh["spec"].pop("taints", None)
    if taints:
        fresh["spec"]["taints"] = taints
    _label(fresh, instance)
    return fresh


def _label(fresh: Object, instance: Instance) -> None:
    change = wanted_labels(fresh, instance)
    labels = {**labels_of(fresh), **change.labels}
    fresh["metadata"]["labels"] = {key: value for key, value in labels.items() if value is not None}
    if change.annotation is not None:
        fresh["metadata"].setdefault("annotations", {})[OWNED_LABELS] = change.annotation
