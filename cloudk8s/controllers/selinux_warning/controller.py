"""Warn of pods that use one volume and want it labelled differently for SELinux.

A CSI driver that says `seLinuxMount` mounts a volume with the label of the pod, the whole volume at once: a second pod
with another label cannot use it on that node. Only such volumes are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from cloudk8s.client.interface import Object
from cloudk8s.client.objects import key, key_of, name_of, namespace_of, spec_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import CSI_DRIVERS, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.controllers.pods import is_terminal
from cloudk8s.controllers.selinux_warning.labels import Wish, conflicts, labels_of_mounts, policy_of
from cloudk8s.controllers.volume_users import BY_CLAIM, claim_name, claims_of

COMPONENT: Final = "selinux_warning"


class SELinuxWarningController:
    """Tells both pods, once for each time that one of them appears or changes its mind."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._events = context.events.for_component(COMPONENT)
        self._queue: WorkQueue[str] = WorkQueue("selinux warning", clock=context.clock, instruments=context.instruments)
        self._wishes: dict[str, dict[str, Wish]] = {}
        """By volume, then by key of the pod."""
        self._volumes = context.informers.of(PERSISTENT_VOLUMES)
        self._drivers = context.informers.of(CSI_DRIVERS)
        self._claims = context.informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._pods = context.informers.of(PODS)
        self._pods.add_index(BY_CLAIM, claims_of)
        self._pods.add_handler(self._pod_changed)
        self._claims.add_handler(self._claim_changed)
        self._volumes.add_handler(self._volume_changed)
        self._drivers.add_handler(self._driver_changed)

    async def run(self) -> None:
        await run_workers(self._queue, 1, self._reconcile)

    # What may have changed for whom

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or uid_of(old) != uid_of(new) or is_terminal(old) != is_terminal(new):
            pod = new or old or {}
            if any(claims_of(pod)):
                self._queue.add(key_of(pod))

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        if _volume_name(old) != _volume_name(new):
            self._enqueue_users(key_of(new or old or {}))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        reference = spec_of(new or old or {}).get("claimRef")
        if reference is not None and (old is None or new is None or spec_of(old) != spec_of(new)):
            self._enqueue_users(key(reference.get("namespace", ""), reference.get("name", "")))

    def _driver_changed(self, old: Object | None, new: Object | None) -> None:
        if _mounts_with_label(old) != _mounts_with_label(new):
            name = name_of(new or old or {})
            for volume in self._volumes.list():
                if (spec_of(volume).get("csi") or {}).get("driver") == name:
                    self._volume_changed(None, volume)

    def _enqueue_users(self, claim: str) -> None:
        for pod in self._pods.by_index(BY_CLAIM, claim):
            self._queue.add(key_of(pod))

    # Comparing

    async def _reconcile(self, name: str) -> timedelta | None:
        pod = self._pods.get_key(name)
        wanted = dict(self._wishes_of(pod)) if pod is not None and not is_terminal(pod) else {}
        for volume in [each for each, pods in self._wishes.items() if name in pods and each not in wanted]:
            del self._wishes[volume][name]
            if not self._wishes[volume]:
                del self._wishes[volume]
        for volume, wish in wanted.items():
            users = self._wishes.setdefault(volume, {})
            if users.get(name) != wish:
                users[name] = wish
                self._compare(volume, name, wish)
        return None

    def _wishes_of(self, pod: Object) -> Iterator[tuple[str, Wish]]:
        for volume in spec_of(pod).get("volumes") or ():
            claim = claim_name(pod, volume)
            unique = self._labelled_volume(key(namespace_of(pod), claim)) if claim else ""
            labels = labels_of_mounts(pod, volume["name"]) if unique else set()
            if len(labels) > 1:
                note = f'Volume "{volume["name"]}" is mounted twice with different SELinux labels inside this pod'
                self._events.warning(pod, "MultipleSELinuxLabels", note)
            elif labels:
                yield unique, Wish(labels.pop(), policy_of(pod))

    def _labelled_volume(self, claim: str) -> str:
        """The name of the volume behind a claim; empty unless its driver mounts it with a label."""
        volume = self._volumes.get(_volume_name(self._claims.get_key(claim)))
        source = spec_of(volume).get("csi") if volume is not None else None
        if source is None or not _mounts_with_label(self._drivers.get(source["driver"])):
            return ""
        return f"kubernetes.io/csi/{source['driver']}^{source['volumeHandle']}"

    def _compare(self, volume: str, name: str, wish: Wish) -> None:
        for other, theirs in self._wishes[volume].items():
            if other != name:
                self._tell(name, wish, other, theirs)
                self._tell(other, theirs, name, wish)

    def _tell(self, name: str, mine: Wish, other: str, theirs: Wish) -> None:
        pod, another = self._pods.get_key(name), self._pods.get_key(other)
        if pod is None or another is None:
            return
        shown = name_of(another) if namespace_of(pod) == namespace_of(another) else ""
        for conflict in conflicts(mine, theirs):
            self._events.normal(pod, conflict.reason, conflict.message(shown))


def _volume_name(claim: Object | None) -> str:
    return str(spec_of(claim).get("volumeName") or "") if claim is not None else ""


def _mounts_with_label(driver: Object | None) -> bool:
    return driver is not None and spec_of(driver).get("seLinuxMount") is True
