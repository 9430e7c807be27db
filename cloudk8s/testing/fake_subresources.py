"""Subresources as far as `FakeClient` needs them: scale, binding, eviction, token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloudk8s.client.interface import DeleteOptions, Object, Resource
from cloudk8s.errors import Conflict, NotFound
from cloudk8s.machinery import codec

if TYPE_CHECKING:
    from cloudk8s.testing.fake_client import FakeClient


def scale_of(obj: Object, resource: Resource) -> Object:
    """The autoscaling/v1 Scale of a scalable object."""
    selector = obj["spec"].get("selector") or {}
    labels = selector.get("matchLabels", selector)
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            k: obj["metadata"][k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        },
        "spec": {"replicas": obj["spec"].get("replicas", 0)},
        "status": {
            "replicas": obj.get("status", {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def scaled(obj: Object, scale: Object) -> Object:
    """A copy of `obj` with the replicas of `scale`."""
    new: Object = codec.copy(obj)
    new["spec"]["replicas"] = scale["spec"].get("replicas", 0)
    return new


async def create(
    client: FakeClient, resource: Resource, name: str, namespace: str, subresource: str, body: Any
) -> Object:
    """Answer a POST to a subresource."""
    obj = client.peek(resource, name, namespace)
    if obj is None:
        raise NotFound(f'{resource.plural} "{name}" not found')
    if subresource == "binding":
        return await _bind(client, resource, obj, body)
    if subresource == "eviction":
        options = DeleteOptions(grace_period_seconds=(body.get("deleteOptions") or {}).get("gracePeriodSeconds"))
        return await client.delete(resource, name, namespace=namespace, options=options)
    if subresource == "token":
        return {
            **body,
            "status": {"token": f"token-of-{namespace}-{name}", "expirationTimestamp": "2030-01-01T00:00:00Z"},
        }
    raise NotFound("the server could not find the requested resource")


async def _bind(client: FakeClient, resource: Resource, pod: Object, body: Any) -> Object:
    node = body["target"]["name"]
    if held := pod["spec"].get("nodeName"):
        raise Conflict(f"pod {pod['metadata']['name']} is already assigned to node {held!r}")
    metadata = {"uid": pod["metadata"]["uid"]}
    where = {"namespace": pod["metadata"]["namespace"]}
    name = pod["metadata"]["name"]
    await client.patch(resource, name, {"metadata": metadata, "spec": {"nodeName": node}}, **where)
    condition = {"type": "PodScheduled", "status": "True"}
    return await client.patch(
        resource, name, {"status": {"conditions": [condition]}}, type="strategic", subresource="status", **where
    )
