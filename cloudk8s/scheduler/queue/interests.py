"""Whether an event may help a pod, by what the plugins that rejected it said."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import ClusterEvent, Interest
from cloudk8s.scheduler.queue.entry import QueuedPod


class Interests:
    """What the plugins of all profiles want to hear."""

    def __init__(self, profiles: Mapping[str, Profile]) -> None:
        self._by_profile = {name: profile.interests for name, profile in profiles.items()}
        self._heard = {
            (interest.resource, action)
            for profile in profiles.values()
            for interests in profile.interests.values()
            for interest in interests or ()
            for action in interest.actions
        }
        self._hears_all = any(None in profile.interests.values() for profile in profiles.values())

    def is_heard(self, event: ClusterEvent) -> bool:
        """Whether anybody asked for events of this kind."""
        return self._hears_all or (event.resource, event.action) in self._heard

    def is_any_interested(self, plugins: Collection[str], event: ClusterEvent) -> bool:
        """Whether one of the plugins asked for events of this kind."""
        return any(
            interest.resource == event.resource and event.action in interest.actions
            for profile in self._by_profile.values()
            for plugin in plugins
            for interest in profile.get(plugin) or ()
        )

    def is_worth_a_try(self, entry: QueuedPod, event: ClusterEvent) -> bool:
        """Whether the event may help this pod. One that nobody rejected is tried at any event."""
        if not entry.rejected_by:
            return True
        plugins = self._by_profile.get(entry.pod.shape.scheduler_name) or {}
        return any(_applies(plugins.get(plugin), entry, event) for plugin in entry.rejected_by)


def _applies(interests: tuple[Interest, ...] | None, entry: QueuedPod, event: ClusterEvent) -> bool:
    if interests is None:
        return True
    return any(
        interest.resource == event.resource
        and event.action in interest.actions
        and (interest.hint is None or interest.hint(entry.pod, event))
        for interest in interests
    )
