"""The apps group and replication controllers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from cloudk8s.api.printing.layout import AGE, CONTAINERS, IMAGES, NAME, NONE, SELECTOR, Heading, Layout
from cloudk8s.api.printing.text import age_of, containers_of, label_text, name_of, selector_text
from cloudk8s.api.resource import Object

_READY: Final = Heading("Ready", "=Number of the pod with ready state")


def _template(obj: Object) -> Object:
    spec: Object = ((obj["spec"].get("template") or {}).get("spec")) or {}
    return spec


def _deployment(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    return [
        name_of(obj),
        f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        age_of(obj, now),
        *containers_of(_template(obj)),
        selector_text(spec.get("selector")),
    ]


def _replica_set(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    selector = spec.get("selector")
    text = label_text(selector) if obj["kind"] == "ReplicationController" else selector_text(selector)
    return [
        name_of(obj),
        spec.get("replicas", 0),
        status.get("replicas", 0),
        status.get("readyReplicas", 0),
        age_of(obj, now),
        *containers_of(_template(obj)),
        text,
    ]


def _stateful_set(obj: Object, now: datetime) -> list[Any]:
    spec, status = obj["spec"], obj.get("status") or {}
    ready = f"{status.get('readyReplicas', 0)}/{spec.get('replicas', 0)}"
    return [name_of(obj), ready, age_of(obj, now), *containers_of(_template(obj))]


def _daemon_set(obj: Object, now: datetime) -> list[Any]:
    status, counts = obj.get("status") or {}, ("desiredNumberScheduled", "currentNumberScheduled", "numberReady")
    return [
        name_of(obj),
        *(status.get(name, 0) for name in (*counts, "updatedNumberScheduled", "numberAvailable")),
        label_text(_template(obj).get("nodeSelector")),
        age_of(obj, now),
        *containers_of(_template(obj)),
        selector_text(obj["spec"].get("selector")),
    ]


def _controller_revision(obj: Object, now: datetime) -> list[Any]:
    owners = obj["metadata"].get("ownerReferences") or []
    controller = next((item for item in owners if item.get("controller")), None)
    text = NONE
    if controller:
        group = controller["apiVersion"].rpartition("/")[0]
        kind = controller["kind"].lower()
        text = f"{kind}.{group}/{controller['name']}" if group else f"{kind}/{controller['name']}"
    return [name_of(obj), text, obj.get("revision", 0), age_of(obj, now)]


def _replicas() -> tuple[Heading, ...]:
    return (
        NAME,
        Heading("Desired", "spec.replicas", "integer"),
        Heading("Current", "status.replicas", "integer"),
        Heading("Ready", "status.readyReplicas", "integer"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    )


TABLE: Final = {
    ("apps", "deployments"): Layout(
        (
            NAME,
            _READY,
            Heading("Up-to-date", "status.updatedReplicas"),
            Heading("Available", "status.availableReplicas"),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _deployment,
    ),
    ("apps", "replicasets"): Layout(_replicas(), _replica_set),
    ("", "replicationcontrollers"): Layout(_replicas(), _replica_set),
    ("apps", "statefulsets"): Layout((NAME, _READY, AGE, CONTAINERS, IMAGES), _stateful_set),
    ("apps", "daemonsets"): Layout(
        (
            NAME,
            Heading("Desired", "status.desiredNumberScheduled", "integer"),
            Heading("Current", "status.currentNumberScheduled", "integer"),
            Heading("Ready", "status.numberReady", "integer"),
            Heading("Up-to-date", "status.updatedNumberScheduled", "integer"),
            Heading("Available", "status.numberAvailable", "integer"),
            Heading("Node Selector", "spec.template.spec.nodeSelector"),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _daemon_set,
    ),
    ("apps", "controllerrevisions"): Layout(
        (NAME, Heading("Controller", "=Controller of the object"), Heading("Revision", "revision"), AGE),
        _controller_revision,
    ),
}
