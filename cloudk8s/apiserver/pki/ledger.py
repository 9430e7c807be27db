"""What was made, so that the next start need not look into the certificates.

One JSON file beside them. A file whose digest is not the recorded one was put there by someone else: it is used as it
is, and never made anew.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cloudk8s.apiserver.pki import private_file
from cloudk8s.apiserver.pki.profile import RENEW_BEFORE, Profile

FILE = "made.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate that we made."""

    digest: str
    not_after: datetime
    authority: str
    """Digest of the certificate that signed it; empty for an authority."""
    common_name: str
    organizations: tuple[str, ...]
    hosts: tuple[str, ...]

    def still_serves(self, profile: Profile, authority: str, now: datetime) -> bool:
        """Whether it is what `profile` asks for, signed by today's authority and good for long enough."""
        wanted = replace(self, authority=authority, common_name=profile.common_name)
        wanted = replace(wanted, organizations=profile.organizations)
        has_hosts = set(profile.hosts) <= set(self.hosts)
        return self == wanted and has_hosts and now + RENEW_BEFORE < self.not_after


class Ledger:
    """The entries of one directory, by file name."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._entries: dict[str, Entry] = {}
        if self._path.exists():
            self._entries = {name: _entry(raw) for name, raw in json.loads(self._path.read_bytes()).items()}

    def get(self, file: str) -> Entry | None:
        return self._entries.get(file)

    def record(self, profile: Profile, certificate: bytes, authority: str, not_after: datetime) -> None:
        digest, organizations = digest_of(certificate), profile.organizations
        entry = Entry(digest, not_after, authority, profile.common_name, organizations, profile.hosts)
        self._entries[profile.file] = entry

    def save(self) -> None:
        private_file.write(self._path, json.dumps(self._entries, default=_plain, indent=1).encode())


def digest_of(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Entry):
        return {name: getattr(value, name) for name in Entry.__slots__}
    raise TypeError(type(value).__name__)


def _entry(raw: dict[str, Any]) -> Entry:
    tuples = {"organizations": tuple(raw["organizations"]), "hosts": tuple(raw["hosts"])}
    return Entry(**raw | tuples | {"not_after": datetime.fromisoformat(raw["not_after"])})
