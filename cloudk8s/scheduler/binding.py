"""From a chosen node to a bound pod: permit, pre-bind, bind, post-bind; many pods at once, in the background."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cloudk8s.errors import CloudK8sError
from cloudk8s.scheduler.framework.profile import Profile
from cloudk8s.scheduler.interface import Cycle, Refusal, Wait
from cloudk8s.scheduler.queue.entry import QueuedPod

AT_ONCE = 128
"""Bindings in flight; more would only wait in the server."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Binding:
    """A pod on its way to a node."""

    entry: QueuedPod
    cycle: Cycle
    node: str
    profile: Profile


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a pod could not be bound."""

    message: str
    plugin: str = ""
    """Who refused; empty for an error, which time may heal."""


BindFirst = Callable[[Cycle, str], Awaitable[bool]]
"""Whether somebody outside of the profile has bound the pod."""
Finish = Callable[[Binding, Failure | None], None]


class Binder:
    """Binds in tasks of `group`; `finish` is called on the loop with the outcome of each."""

    def __init__(
        self, group: asyncio.TaskGroup, finish: Finish, *, at_once: int = AT_ONCE, bind_first: BindFirst | None = None
    ) -> None:
        self._group = group
        self._bind_first = bind_first
        self._finish = finish
        self._slots = asyncio.Semaphore(at_once)

    async def room(self) -> None:
        """Return when another binding may start."""
        await self._slots.acquire()

    def release(self) -> None:
        """The room that was taken is not needed."""
        self._slots.release()

    def start(self, binding: Binding, wait: Awaitable[Refusal | None] | None) -> None:
        """Bind in the background, after the permits that are waited for; room must have been taken."""
        self._group.create_task(self._run(binding, wait), name=f"bind {binding.entry.pod.key}")

    async def _run(self, binding: Binding, wait: Awaitable[Refusal | None] | None) -> None:
        try:
            failure = await self._bind(binding, wait)
        except (CloudK8sError, OSError) as error:
            failure = Failure(str(error))
        except Exception as error:  # noqa: BLE001 - a plugin's mistake must not stop the scheduler
            _log.exception("pod %s: binding failed", binding.entry.pod.key)
            failure = Failure(repr(error))
        finally:
            self._slots.release()
        self._finish(binding, failure)

    async def _bind(self, binding: Binding, wait: Awaitable[Refusal | None] | None) -> Failure | None:
        profile, cycle, node = binding.profile, binding.cycle, binding.node
        if wait is not None and (refusal := await wait) is not None:
            return Failure(refusal.reason, refusal.plugin)
        for prepare in profile.pre_bind:
            if (refusal := await prepare.pre_bind(cycle, node)) is not None:
                return Failure(refusal.reason, prepare.name)  # type: ignore[attr-defined]
        if not await self._is_bound(binding):
            return Failure("no plugin binds the pod")
        for plugin in profile.post_bind:
            plugin.post_bind(cycle, node)
        return None

    async def _is_bound(self, binding: Binding) -> bool:
        cycle, node = binding.cycle, binding.node
        if self._bind_first is not None and await self._bind_first(cycle, node):
            return True
        for plugin in binding.profile.bind:
            if await plugin.bind(cycle, node):
                return True
        return False


def reserve(profile: Profile, cycle: Cycle, node: str) -> Refusal | None:
    """Let the plugins take what the pod needs; a refusal undoes what was taken."""
    for plugin in profile.reserve:
        if (refusal := plugin.reserve(cycle, node)) is not None:
            unreserve(profile, cycle, node)
            return Refusal(refusal.reason, refusal.is_resolvable, plugin.name)  # type: ignore[attr-defined]
    return None


def unreserve(profile: Profile, cycle: Cycle, node: str) -> None:
    """Give back what `reserve` took, in reverse order."""
    for plugin in reversed(profile.reserve):
        plugin.unreserve(cycle, node)


def permit(profile: Profile, cycle: Cycle, node: str) -> Refusal | dict[str, Wait]:
    """Ask for permits; those to be waited for, by plugin."""
    waits: dict[str, Wait] = {}
    for plugin in profile.permit:
        name = plugin.name  # type: ignore[attr-defined]
        answer = plugin.permit(cycle, node)
        if isinstance(answer, Refusal):
            return Refusal(answer.reason, answer.is_resolvable, name)
        if answer is not None:
            waits[name] = answer
    return waits
