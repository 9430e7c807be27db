"""Delete bootstrap tokens when they expire."""

from __future__ import annotations

from datetime import timedelta

from cloudk8s.client.interface import DeleteOptions, Object
from cloudk8s.client.objects import is_deleting, key_of, name_of, namespace_of, uid_of
from cloudk8s.client.queue import WorkQueue, run_workers
from cloudk8s.client.resources import SECRETS
from cloudk8s.controllers.bootstrap_tokens import NAMESPACE, TYPE, expiry, has_expired
from cloudk8s.controllers.interface import ControllerContext
from cloudk8s.errors import NotFound


class TokenCleaner:
    """Looks at each token when it expires."""

    def __init__(self, context: ControllerContext) -> None:
        self._context = context
        self._queue: WorkQueue[str] = WorkQueue("token_cleaner", clock=context.clock, instruments=context.instruments)
        self._tokens = context.informers.of(SECRETS, namespace=NAMESPACE, field_selector=f"type={TYPE}")
        self._tokens.add_handler(self._changed)

    async def run(self) -> None:
        await run_workers(self._queue, 1, self._reconcile)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and not is_deleting(new):
            self._queue.add(key_of(new))

    async def _reconcile(self, name: str) -> timedelta | None:
        secret = self._tokens.get_key(name)
        now = self._context.clock.now()
        if secret is None:
            return None
        if not has_expired(secret, now):
            moment = expiry(secret)
            return moment - now if moment else None
        try:
            options = DeleteOptions(uid=uid_of(secret))
            await self._context.client.delete(SECRETS, name_of(secret), namespace=namespace_of(secret), options=options)
        except NotFound:
            return None
        return None
