"""Renew certificates of a server that runs for months."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from cloudk8s.apiserver.pki.directory import PKI

log = logging.getLogger(__name__)
LOOK_EVERY: Final = timedelta(hours=12)


async def keep_renewed(pki: PKI, renewed: Callable[[], None]) -> None:
    """Look twice a day; call `renewed` after files have changed, so that listeners load them. Runs until cancelled."""
    while True:
        await pki.clock.sleep(LOOK_EVERY.total_seconds())
        try:
            if await asyncio.to_thread(pki.renew):
                renewed()
                log.info("certificates in %s were renewed", pki.directory)
        except OSError:
            log.exception("certificates in %s could not be renewed; trying again", pki.directory)
