"""Make the claims that a pod wants from templates, and tell of them in its status."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import (
    annotations_of,
    controller_reference,
    is_controlled_by,
    name_of,
    namespace_of,
    status_of,
    uid_of,
)
from cloudk8s.client.resources import PODS, RESOURCE_CLAIMS
from cloudk8s.controllers.pods import BY_CONTROLLER
from cloudk8s.controllers.resource_claim.pod_claims import (
    Declared,
    NotMadeYet,
    claim_name,
    declared_by,
    is_from_template,
)
from cloudk8s.errors import CloudK8sError, StatusError
from cloudk8s.machinery import codec

ANNOTATION: Final = "resource.kubernetes.io/pod-claim-name"
"""On a claim: which of the pod's declared claims it was made for."""
FIELD_MANAGER: Final = "ResourceClaimController"
_LONGEST_BASE: Final = 57


class CannotMake(CloudK8sError):
    """A claim of a pod cannot be made now; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class Making:
    """Works for one pod. `made` remembers, by UID of the pod and name, what the cache may not show yet."""

    client: Client
    claims: Informer
    template_of: Callable[[str, str], Object | None]
    made: dict[tuple[str, str], Object]

    async def complete(self, pod: Object) -> None:
        """Make what is missing and write its names down. Raises CannotMake."""
        new: dict[str, str] = {}
        for declared in declared_by(pod):
            try:
                name = await self._ensure(pod, declared)
            except StatusError as error:
                raise CannotMake(f"PodResourceClaim {declared['name']}: {error.message}") from error
            if name:
                new[declared["name"]] = name
        if new:
            await self._tell(pod, new)

    async def _ensure(self, pod: Object, declared: Declared) -> str:
        """The name to write down; empty where nothing new is to be told."""
        if not is_from_template(declared):
            return ""
        try:
            told = claim_name(pod, declared)
        except NotMadeYet:
            pass
        else:
            claim = self.claims.get(told, namespace_of(pod)) if told else None
            if told is None or (claim is not None and is_controlled_by(claim, pod)):
                return ""
        found = self._find(pod, declared) or await self._make(pod, declared)
        return name_of(found)

    def _find(self, pod: Object, declared: Declared) -> Object | None:
        """A claim that was made before, and of which the pod was not told."""
        owned = self.claims.by_index(BY_CONTROLLER, uid_of(pod))
        matching = (item for item in owned if annotations_of(item).get(ANNOTATION) == declared["name"])
        return next(matching, None) or self.made.get((uid_of(pod), declared["name"]))

    async def _make(self, pod: Object, declared: Declared) -> Object:
        wanted = declared["resourceClaimTemplateName"]
        template = self.template_of(wanted, namespace_of(pod))
        if template is None:
            missing = f'resourceclaimtemplate.resource.k8s.io "{wanted}" not found'
            raise CannotMake(f'PodResourceClaim {declared["name"]}: resource claim template "{wanted}": {missing}')
        claim = _claim(pod, declared["name"], template)
        try:
            made = await self.client.create(RESOURCE_CLAIMS, claim, namespace=namespace_of(pod))
        except StatusError as error:
            raise CannotMake(f"PodResourceClaim {declared['name']}: create ResourceClaim : {error.message}") from error
        self.made[uid_of(pod), declared["name"]] = made
        return made

    async def _tell(self, pod: Object, new: dict[str, str]) -> None:
        """By apply, whose keeper we are: so what was told before is told again, or it would go."""
        told = {item["name"]: item for item in status_of(pod).get("resourceClaimStatuses") or ()}
        told |= {name: {"name": name, "resourceClaimName": claim} for name, claim in new.items()}
        patch = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)},
            "status": {"resourceClaimStatuses": _in_order(pod, told.values())},
        }
        await self.client.patch(
            PODS,
            name_of(pod),
            patch,
            namespace=namespace_of(pod),
            type="apply",
            subresource="status",
            field_manager=FIELD_MANAGER,
            force=True,
        )


def base_name(pod: str, claim: str) -> str:
    """What a generated name begins with: both names are shortened in proportion where they are too long."""
    base = f"{pod}-{claim}-"
    if len(base) <= _LONGEST_BASE:
        return base
    return f"{pod[: len(pod) * _LONGEST_BASE // len(base)]}-{claim[: len(claim) * _LONGEST_BASE // len(base)]}"


def _claim(pod: Object, name: str, template: Object) -> Object:
    given = template["spec"].get("metadata") or {}
    metadata: dict[str, Any] = {
        "generateName": base_name(name_of(pod), name),
        "annotations": {**(given.get("annotations") or {}), ANNOTATION: name},
        "ownerReferences": [controller_reference(pod, PODS)],
    }
    if given.get("labels"):
        metadata["labels"] = dict(given["labels"])
    kind = {"apiVersion": RESOURCE_CLAIMS.api_version, "kind": RESOURCE_CLAIMS.kind}
    return {**kind, "metadata": metadata, "spec": codec.copy(template["spec"].get("spec") or {})}


def _in_order(pod: Object, told: Iterable[Object]) -> list[Object]:
    """As the pod declares them."""
    known = {item["name"]: item for item in told}
    return [known[declared["name"]] for declared in declared_by(pod) if declared["name"] in known]
