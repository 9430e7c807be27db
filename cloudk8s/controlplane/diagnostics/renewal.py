"""Certificates that others renew in their files: a listener serves the new ones to whoever connects next."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cloudk8s.machinery.clock import Clock

PERIOD: Final = 60.0
"""Seconds between looks; upstream's."""
_log = logging.getLogger(__name__)


class FileRenewal:
    """Looks after the files that a TLS context was made of."""

    def __init__(
        self, context: ssl.SSLContext, *, certificate: Path | None, key: Path | None, client_ca: Path | None
    ) -> None:
        self._context = context
        self._pair = (certificate, key) if certificate is not None and key is not None else None
        self._client_ca = client_ca
        self._seen = self._looks()

    @property
    def files(self) -> Sequence[Path]:
        """What is looked at."""
        return [file for file in (*(self._pair or ()), self._client_ca) if file is not None]

    async def follow(self, *, clock: Clock) -> None:
        """Keep up until cancelled."""
        while True:
            await clock.sleep(PERIOD)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Read what has changed. A pair that does not fit yet is read at the next look. Blocks."""
        found = self._looks()
        if found == self._seen:
            return
        try:
            if self._pair is not None:
                self._context.load_cert_chain(*self._pair)
            if self._client_ca is not None:
                self._context.load_verify_locations(self._client_ca)
        except (OSError, ssl.SSLError) as error:
            _log.warning("renewed certificates in %s cannot be used: %s", ", ".join(map(str, self.files)), error)
            return
        self._seen = found

    def _looks(self) -> Sequence[tuple[int, int] | None]:
        return [_look(file) for file in self.files]


def _look(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
