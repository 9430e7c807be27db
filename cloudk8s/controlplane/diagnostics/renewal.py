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
Looks = Sequence[tuple[int, int] | None]
"""When each file was written, and which it is."""
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
            found = await asyncio.to_thread(self.changed)
            if found is not None:
                self.apply(found)

    def changed(self) -> Looks | None:
        """What the files look like, if that is new and they can be used. Blocks.

        A pair that does not fit yet is looked at again.
        """
        found = self._looks()
        return found if found != self._seen and self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) else None

    def apply(self, found: Looks) -> None:
        """Use the files. Called between handshakes, for half of a pair would fail those under way."""
        if self._load(self._context):
            self._seen = found

    def _load(self, context: ssl.SSLContext) -> bool:
        try:
            if self._pair is not None:
                context.load_cert_chain(*self._pair)
            if self._client_ca is not None:
                context.load_verify_locations(self._client_ca)
        except (OSError, ssl.SSLError) as error:
            _log.warning("renewed certificates in %s cannot be used: %s", ", ".join(map(str, self.files)), error)
            return False
        return True

    def _looks(self) -> Looks:
        return [_look(file) for file in self.files]


def _look(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
