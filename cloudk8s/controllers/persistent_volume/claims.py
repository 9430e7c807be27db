"""One look at one claim: find it a volume, or say what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, Object
from cloudk8s.client.objects import annotations_of, key_of, name_of, spec_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES
from cloudk8s.controllers.persistent_volume.binding import Binding
from cloudk8s.controllers.persistent_volume.facts import (
    BETA_PROVISIONER,
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    PROVISIONER,
    SELECTED_NODE,
    claim_of,
    class_of,
    default_class,
    is_bound_to,
    names_class,
    unfit,
)
from cloudk8s.controllers.persistent_volume.matching import best_match
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.controllers.volume_users import BY_CLAIM
from cloudk8s.errors import NotFound

_IN_TREE: Final = "kubernetes.io/"
"""Provisioners of that name were part of upstream's controller manager; none of them is left."""


@dataclass(frozen=True, slots=True)
class ClaimSync:
    """The caches are of volumes, classes and pods (by claim)."""

    client: Client
    events: EventRecorder
    binding: Binding
    volumes: Informer
    classes: Informer
    pods: Informer
    provisions: bool = True
    """Whether volumes are asked for."""

    async def sync(self, claim: Object) -> None:
        if BIND_COMPLETED in annotations_of(claim):
            await self._bound(claim)
        elif spec_of(claim).get("volumeName"):
            await self._named(claim)
        else:
            await self._unbound(claim)

    async def _bound(self, claim: Object) -> None:
        name = spec_of(claim).get("volumeName")
        if not name:
            message = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            await self.binding.lose_claim(claim, "ClaimLost", message)
            return
        volume = self.volumes.get(name) or await self._read(name)
        if volume is None:
            message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            await self.binding.lose_claim(claim, "ClaimLost", message)
        elif (reference := claim_of(volume)) is None or reference.get("uid") == uid_of(claim):
            await self.binding.bind(volume, claim)
        else:
            message = "Two claims are bound to the same volume, this one is bound incorrectly"
            await self.binding.lose_claim(claim, "ClaimMisbound", message)

    async def _read(self, name: str) -> Object | None:
        """Ask the server: a claim that is called lost stays lost."""
        try:
            return await self.client.get(PERSISTENT_VOLUMES, name)
        except NotFound:
            return None

    async def _named(self, claim: Object) -> None:
        """The claim asks for one volume."""
        volume = self.volumes.get(spec_of(claim)["volumeName"])
        if volume is None:
            await self.binding.set_claim_phase(claim, "Pending")
        elif claim_of(volume) is None:
            if reason := unfit(volume, claim):
                message = f'Cannot bind to requested volume "{name_of(volume)}": {reason}'
                self.events.warning(claim, "VolumeMismatch", message)
                await self.binding.set_claim_phase(claim, "Pending")
            else:
                await self.binding.bind(volume, claim)
        elif is_bound_to(volume, claim):
            await self.binding.bind(volume, claim)
        else:
            if BOUND_BY_CONTROLLER in annotations_of(claim):
                message = f'volume "{name_of(volume)}" already bound to a different claim.'
                self.events.warning(claim, "FailedBinding", message)
            await self.binding.set_claim_phase(claim, "Pending")

    async def _unbound(self, claim: Object) -> None:
        waits = self._waits_for_scheduler(claim)
        volume = best_match(claim, self.volumes.list(), reserved_only=waits)
        if volume is not None:
            await self.binding.bind(volume, claim)
            return
        if await self._assign_default_class(claim):
            return
        if waits and SELECTED_NODE not in annotations_of(claim):
            self._say_what_is_waited_for(claim)
        elif class_of(claim) and self.provisions:
            claim = await self._request_volume(claim)
        else:
            message = "no persistent volumes available for this claim and no storage class is set"
            self.events.normal(claim, "FailedBinding", message)
        await self.binding.set_claim_phase(claim, "Pending")

    def _waits_for_scheduler(self, claim: Object) -> bool:
        found = self.classes.get(class_of(claim)) if class_of(claim) else None
        return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"

    async def _assign_default_class(self, claim: Object) -> bool:
        """Give a claim without a word on classes the default one, if there has come to be one."""
        default = None if names_class(claim) else default_class(self.classes.list())
        if default is None:
            return False
        spec = {**spec_of(claim), "storageClassName": name_of(default)}
        await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "spec": spec})
        return True

    def _say_what_is_waited_for(self, claim: Object) -> None:
        pods = self._unscheduled_pods(claim)
        if not pods:
            message = "waiting for first consumer to be created before binding"
            self.events.normal(claim, "WaitForFirstConsumer", message)
            return
        who = f"pods {','.join(pods)}" if len(pods) > 1 else f"pod {pods[0]}"
        self.events.normal(claim, "WaitForPodScheduled", f"waiting for {who} to be scheduled")

    def _unscheduled_pods(self, claim: Object) -> Sequence[str]:
        pods = self.pods.by_index(BY_CLAIM, key_of(claim))
        return sorted(name_of(pod) for pod in pods if not is_terminal(pod) and not spec_of(pod).get("nodeName"))

    async def _request_volume(self, claim: Object) -> Object:
        """Ask the class's provisioner, which runs elsewhere, for a volume."""
        found = self.classes.get(class_of(claim))
        if found is None:
            message = f'storageclass.storage.k8s.io "{class_of(claim)}" not found'
            self.events.warning(claim, "ProvisioningFailed", message)
            return claim
        provisioner = found["provisioner"]
        if provisioner.startswith(_IN_TREE):
            message = f"no volume plugin matched name: {provisioner}"
            self.events.warning(claim, "ProvisioningFailed", message)
            return claim
        claim = await self.binding.annotate_claim(claim, **{BETA_PROVISIONER: provisioner, PROVISIONER: provisioner})
        message = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
            "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
            "correctly registered."
        )
        self.events.normal(claim, "ExternalProvisioning", message)
        return claim
