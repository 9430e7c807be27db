"""Make, mend and delete the pods of a StatefulSet and their claims, and say so in events."""

from __future__ import annotations

from dataclasses import dataclass

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.informer import Informer
from cloudk8s.client.interface import Client, DeleteOptions, Object
from cloudk8s.client.objects import is_deleting, labels_of, name_of, namespace_of, uid_of
from cloudk8s.client.resources import PERSISTENT_VOLUME_CLAIMS, PODS
from cloudk8s.controllers.pods import is_namespace_terminating, phase
from cloudk8s.controllers.stateful_set.members import (
    INDEX_LABEL,
    NAME_LABEL,
    has_identity,
    has_storage,
    ordinal_of,
    ordinals,
    volumes_of,
)
from cloudk8s.controllers.stateful_set.volumes import claims_of, is_stale, wanted_owners
from cloudk8s.errors import AlreadyExists, CloudK8sError, NotFound, StatusError


class ClaimIsGoing(CloudK8sError):
    """A claim of the pod is being deleted; the pod has to wait for a new one."""


@dataclass(frozen=True, slots=True)
class MemberRequests:
    """Requests for one StatefulSet; `claims` is the cache of all claims."""

    client: Client
    events: EventRecorder
    claims: Informer
    owner: Object

    async def create(self, pod: Object) -> None:
        """Make the claims that are missing, then the pod."""
        try:
            await self.create_claims(pod)
            made = await self.client.create(PODS, pod, namespace=namespace_of(self.owner))
        except AlreadyExists:
            raise
        except (StatusError, ClaimIsGoing) as error:
            self._failed("create", pod, error)
            raise
        self._succeeded("create", pod)
        await self.own_claims(made)

    async def recreate(self, pod: Object) -> None:
        """Delete a pod that has ended, so that another one takes its place."""
        owner = f"StatefulSet {namespace_of(self.owner)}/{name_of(self.owner)}"
        if phase(pod) == "Failed":
            message = f"{owner} is recreating failed Pod {name_of(pod)}"
            self.events.warning(self.owner, "RecreatingFailedPod", message)
        else:
            message = f"{owner} is recreating terminated Pod {name_of(pod)}"
            self.events.normal(self.owner, "RecreatingTerminatedPod", message)
        await self.delete(pod)

    async def delete(self, pod: Object) -> None:
        try:
            options = DeleteOptions(uid=uid_of(pod))
            await self.client.delete(PODS, name_of(pod), namespace=namespace_of(pod), options=options)
        except NotFound:
            return
        except StatusError as error:
            self._failed("delete", pod, error)
            raise
        self._succeeded("delete", pod)

    async def mend(self, pod: Object) -> None:
        """Give a pod that others made or changed its labels and claims, and its claims their owners."""
        try:
            if not has_storage(self.owner, pod):
                await self.create_claims(pod)
            await self.own_claims(pod)
            if has_identity(self.owner, pod) and has_storage(self.owner, pod):
                return
            await self.client.update(PODS, self._mended(pod))
        except StatusError as error:
            self._failed("update", pod, error)
            raise
        self._succeeded("update", pod)

    async def create_claims(self, pod: Object) -> None:
        """Make the claims that the pod has none of yet."""
        for claim in claims_of(self.owner, ordinal_of(pod)).values():
            existing = self._claim(name_of(claim))
            if existing is None:
                await self._create_claim(pod, claim)
            elif is_deleting(existing):
                raise ClaimIsGoing(f"pvc {name_of(claim)} is being deleted")

    def has_stale_claim(self, pod: Object) -> bool:
        """Whether a claim still belongs to the pod's predecessor of the same name."""
        claims = self._existing_claims(pod)
        return any(is_stale(claim, pod, PODS) for claim in claims)

    def are_claims_owned(self, pod: Object) -> bool:
        """Whether the pod's claims have the owners that the retention policy wants."""
        return all(self._owners(claim, pod) is None for claim in self._existing_claims(pod))

    async def own_claims(self, pod: Object) -> None:
        """Give the pod's claims the owners that the retention policy wants."""
        for claim in self._existing_claims(pod):
            owners = self._owners(claim, pod)
            if owners is not None:
                metadata = {**claim["metadata"], "ownerReferences": owners}
                await self.client.update(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata})

    def _owners(self, claim: Object, pod: Object) -> object:
        return wanted_owners(claim, self.owner, pod, is_scaled_down=ordinal_of(pod) not in ordinals(self.owner))

    def _claim(self, name: str) -> Object | None:
        return self.claims.get(name, namespace_of(self.owner))

    def _existing_claims(self, pod: Object) -> list[Object]:
        wanted = claims_of(self.owner, ordinal_of(pod)).values()
        return [found for claim in wanted if (found := self._claim(name_of(claim))) is not None]

    async def _create_claim(self, pod: Object, claim: Object) -> None:
        who = f"Pod {name_of(pod)} in StatefulSet {name_of(self.owner)}"
        try:
            await self.client.create(PERSISTENT_VOLUME_CLAIMS, claim, namespace=namespace_of(self.owner))
        except AlreadyExists:
            return
        except StatusError as error:
            if not is_namespace_terminating(error):
                message = f"create Claim {name_of(claim)} for {who} failed error: {error.message}"
                self.events.warning(self.owner, "FailedCreate", message)
            raise
        self.events.normal(self.owner, "SuccessfulCreate", f"create Claim {name_of(claim)} {who} success")

    def _mended(self, pod: Object) -> Object:
        labels = {**labels_of(pod), NAME_LABEL: name_of(pod), INDEX_LABEL: str(ordinal_of(pod))}
        spec = {**pod["spec"], "volumes": volumes_of(self.owner, pod)}
        if has_storage(self.owner, pod):
            spec = pod["spec"]
        return {**pod, "metadata": {**pod["metadata"], "labels": labels}, "spec": spec}

    def _succeeded(self, verb: str, pod: Object) -> None:
        message = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(self.owner)} successful"
        self.events.normal(self.owner, f"Successful{verb.title()}", message)

    def _failed(self, verb: str, pod: Object, error: Exception) -> None:
        if isinstance(error, StatusError) and is_namespace_terminating(error):
            return
        message = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(self.owner)} failed error: {error}"
        self.events.warning(self.owner, f"Failed{verb.title()}", message)
