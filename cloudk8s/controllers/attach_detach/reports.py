"""Tell pods how it stands with their volumes, once for each time that it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudk8s.client.events import EventRecorder
from cloudk8s.client.interface import Object
from cloudk8s.client.objects import name_of, status_of, uid_of
from cloudk8s.controllers.attach_detach import messages
from cloudk8s.controllers.attach_detach.volumes import Volume


class Reports:
    """Remembers what was told, and what has just happened to attachments."""

    def __init__(self, events: EventRecorder) -> None:
        self._events = events
        self._news: set[str] = set()
        """Attachments that have just succeeded or failed, until the pods that wait for them are told."""
        self._taken: set[tuple[str, str]] = set()
        """Attachments that cannot be made for the time being, and pods that were told so."""

    def changed(self, old: Object, new: Object) -> None:
        """An attachment changed; whether in a way that pods are told of is found out here."""
        if outcome(old) != outcome(new):
            self._news.add(name_of(new))

    def pod_gone(self, pod: Object) -> None:
        if self._taken:
            self._taken = {item for item in self._taken if item[1] != uid_of(pod)}

    def tell(self, volume: Volume, attachment: Object, pods: Sequence[Object]) -> None:
        """How the attacher fared."""
        if name_of(attachment) not in self._news:
            return
        self._news.discard(name_of(attachment))
        is_attached, error = outcome(attachment)
        for pod in pods:
            if is_attached:
                message = messages.attached(volume.persistent_volume)
                self._events.normal(pod, "SuccessfulAttachVolume", message)
            elif error:
                message = messages.failed(volume.persistent_volume, error.get("message", ""))
                self._events.warning(pod, "FailedAttachVolume", message)

    def tell_taken(self, volume: Volume, node: str, pods: Sequence[Object], users: Sequence[Object]) -> None:
        """Another node has the volume, and pods there use it."""
        for pod in pods:
            about = (volume.attachment_name(node), uid_of(pod))
            if about not in self._taken:
                self._taken.add(about)
                message = messages.taken(volume.persistent_volume, pod, users)
                self._events.warning(pod, "FailedAttachVolume", message)


def outcome(attachment: Object) -> tuple[bool, Mapping[str, str]]:
    """Whether it is attached, and what went wrong last."""
    status = status_of(attachment)
    return bool(status.get("attached")), status.get("attachError") or {}
