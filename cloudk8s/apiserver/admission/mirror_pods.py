"""What a kubelet may create as a pod: the image of one of its static pods, which refers to nothing else."""

from __future__ import annotations

from typing import Final

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.authorization.node_references import pod_references
from cloudk8s.apiserver.authorization.refusal import quoted

MIRROR: Final = "kubernetes.io/config.mirror"
_REFUSED: Final = {
    "serviceaccounts": "a service account",
    "secrets": "secrets",
    "configmaps": "configmaps",
    "persistentvolumeclaims": "persistentvolumeclaims",
    "resourceclaims": "resourceclaims",
}


def check_mirror_pod(pod: Object, node: str, node_object: Object | None) -> str:
    """Why the node may not create the pod; empty if it may."""
    metadata, who = pod["metadata"], f"node {quoted(node)}"
    if MIRROR not in (metadata.get("annotations") or {}):
        return f"pod does not have {quoted(MIRROR)} annotation, {who} can only create mirror pods"
    if pod["spec"].get("nodeName") != node:
        return f"{who} can only create pods with spec.nodeName set to itself"
    return _owner(metadata.get("ownerReferences") or [], node, node_object) or _references(pod, who)


def _owner(references: list[Object], node: str, node_object: Object | None) -> str:
    who = f"node {quoted(node)}"
    if len(references) > 1:
        return f"{who} can only create pods with a single owner reference set to itself"
    owner = references[0] if references else {}
    if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
        return f"{who} can only create pods with an owner reference set to itself"
    if not owner.get("controller"):
        return f"{who} can only create pods with a controller owner reference set to itself"
    if owner.get("blockOwnerDeletion"):
        return f"{who} must not set blockOwnerDeletion on an owner reference"
    uid = node_object["metadata"]["uid"] if node_object else ""
    return "" if owner.get("uid") == uid else f"node {node} UID mismatch: expected {owner.get('uid')} got {uid}"


def _references(pod: Object, who: str) -> str:
    annotations = {key: value for key, value in pod["metadata"]["annotations"].items() if key != MIRROR}
    plain = {**pod, "metadata": {**pod["metadata"], "name": "", "annotations": annotations}}
    found = {plural for plural, _, name in pod_references(plain) if name}
    for plural, text in _REFUSED.items():
        if plural in found:
            return f"{who} can not create pods that reference {text}"
    projected = [
        source
        for volume in pod["spec"].get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    ]
    if any("clusterTrustBundle" in source for source in projected):
        return f"{who} can not create pods that reference clustertrustbundles"
    return ""
