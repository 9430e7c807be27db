"""Note on which day a token in a Secret was last used, so that those that nobody uses can be taken back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from cloudk8s.api.resource import Object
from cloudk8s.apiserver.authentication.legacy_token import LAST_USED
from cloudk8s.apiserver.bootstrap.writer import Writer
from cloudk8s.apiserver.core import Core
from cloudk8s.errors import CloudK8sError

_log = logging.getLogger(__name__)


class TokenUse:
    """Writes the label once a day, in the background: a request does not wait for it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._writer = Writer(core)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def note(self, secret: Mapping[str, Any]) -> None:
        """The Secret's token was used just now."""
        today = self._core.clock.now().date().isoformat()
        if (secret["metadata"].get("labels") or {}).get(LAST_USED) == today:
            return
        uid = secret["metadata"]["uid"]
        if uid not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._write(secret, today), name="note the use of a token")
            self._tasks[uid] = task
            task.add_done_callback(lambda _: self._tasks.pop(uid, None))

    async def _write(self, secret: Mapping[str, Any], today: str) -> None:
        def labelled(live: Object) -> Object:
            metadata = live["metadata"]
            return {**live, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), LAST_USED: today}}}

        try:
            await self._writer.change({**secret, "apiVersion": "v1", "kind": "Secret"}, labelled)
        except CloudK8sError as error:
            _log.warning("use of token %s not noted: %s", secret["metadata"]["name"], error)
