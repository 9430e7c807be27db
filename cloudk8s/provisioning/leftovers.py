"""What workloads have made in the cloud beside the cluster: which of it holds data to keep, and its deletion.

What becomes of volumes is asked of the cluster's API while there is one, and written down on them: a deletion that goes
on when the API is gone still knows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from cloudk8s.client.interface import Object, Resource
from cloudk8s.client.objects import spec_of, status_of
from cloudk8s.client.resources import PERSISTENT_VOLUMES
from cloudk8s.cloud.interface import SweepsWorkloads
from cloudk8s.cloud.model.leftover import Fate, Leftover
from cloudk8s.errors import CloudError, CloudK8sError, NotFound, RetryLater
from cloudk8s.provisioning.nodes.api import ClusterApi
from cloudk8s.provisioning.progress import Event
from cloudk8s.provisioning.site import Site

Consent = Literal["declared", "all", "none"]
"""Which data may go: what its class or PersistentVolume lets go, all of it, or none."""
SNAPSHOTS: Final = Resource(
    "snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent", namespaced=False
)


@dataclass(slots=True)
class Sweep:
    """The leftovers of one deletion: looked for when nobody is left who could make more."""

    site: Site
    consent: Consent = "declared"
    is_done: bool = False
    is_wanted: bool = False
    """Something holds on to the network."""
    kept: list[Leftover] = field(default_factory=list)
    left: Sequence[Leftover] = ()
    _told: set[str] = field(default_factory=set)

    def run(self, failures: dict[str, CloudError], waiting: dict[str, str]) -> bool:
        """Delete what is there, once more each time until nothing is; whether anything went."""
        contract: object = self.site.networks
        if self.is_done or not isinstance(contract, SweepsWorkloads):
            return False
        if not (self.is_wanted or self.site.machines.capabilities.boots):
            return False
        found = self.site.engine.retries.call(lambda: contract.leftovers(self.site.cluster))
        self.kept = [entry for entry in found if is_kept(entry, self.consent)]
        self.left = [entry for entry in found if entry not in self.kept]
        self._tell_kept()
        for entry in self.left:
            self._delete(contract, entry, failures, waiting)
        self.is_done = not self.left
        return bool(self.left)

    def remains(self) -> str:
        """What stays although the cluster is gone; empty if nothing does."""
        return f"what stays: {', '.join(map(str, self.kept))}" if self.kept else ""

    def _tell_kept(self) -> None:
        for entry in self.kept:
            if entry.id not in self._told:
                self._told.add(entry.id)
                why = "as its reclaim policy says" if entry.fate == "keep" else "as the command says"
                self.site.report(Event("note", str(entry), f"is kept, {why}"))

    def _delete(
        self, contract: SweepsWorkloads, entry: Leftover, failures: dict[str, CloudError], waiting: dict[str, str]
    ) -> None:
        try:
            contract.delete_leftover(entry)
        except RetryLater as error:
            waiting[str(entry)] = error.message
        except CloudError as error:
            failures[str(entry)] = error
        else:
            self.site.report(Event("deleted", str(entry), "made for a workload"))


def is_kept(entry: Leftover, consent: Consent) -> bool:
    """Whether it stays when its cluster goes."""
    if not entry.is_data:
        return False
    return consent == "none" or (consent == "declared" and entry.fate == "keep")


def write_down_fates(site: Site, api: ClusterApi) -> None:
    """Ask the cluster what becomes of its volumes and snapshots, and write it on them."""
    contract: object = site.networks
    if not isinstance(contract, SweepsWorkloads):
        return
    try:
        fates = fates_of(api)
    except CloudK8sError as error:
        site.report(Event("note", "volumes", f"which are to be kept is what was written down before: {error}"))
        return
    if fates:
        site.engine.retries.call(lambda: contract.write_down(site.cluster, fates))


def fates_of(api: ClusterApi) -> Mapping[str, Fate]:
    """What becomes of volumes and snapshots, by the cloud's ids."""
    found: dict[str, Fate] = {}
    for volume in api.list(PERSISTENT_VOLUMES):
        if id := volume_id(volume):
            found[id] = _fate(spec_of(volume).get("persistentVolumeReclaimPolicy"))
    try:
        contents = api.list(SNAPSHOTS)
    except NotFound:
        contents = ()
    for content in contents:
        source = spec_of(content).get("source") or {}
        if handle := status_of(content).get("snapshotHandle") or source.get("snapshotHandle"):
            found[str(handle)] = _fate(spec_of(content).get("deletionPolicy"))
    return found


def volume_id(volume: Object) -> str:
    """What its driver calls a PersistentVolume's disk; empty for volumes that no driver knows."""
    spec = spec_of(volume)
    if disk := spec.get("awsElasticBlockStore"):
        return str(disk.get("volumeID", "")).rpartition("/")[2]
    return str((spec.get("csi") or {}).get("volumeHandle", ""))


def _fate(policy: str | None) -> Fate:
    return "delete" if policy == "Delete" else "keep"
