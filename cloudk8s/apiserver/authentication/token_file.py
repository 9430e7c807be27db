"""Static tokens from a CSV file: token, user, uid and, quoted, a comma-separated list of groups."""

from __future__ import annotations

import csv
import hmac
from pathlib import Path

from cloudk8s.apiserver.authentication.interface import Verified
from cloudk8s.apiserver.authentication.user import UserInfo
from cloudk8s.errors import SettingsError


class TokenFile:
    """Fulfils `TokenAuthenticator`. The file is read once, as upstream does. Its tokens are for any audience."""

    def __init__(self, path: Path, *, api_audiences: tuple[str, ...] = ()) -> None:
        self._api_audiences = api_audiences
        self._users = dict(_read(path))

    def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        found: UserInfo | None = None
        for known, user in self._users.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                found = user
        common = tuple(each for each in audiences if each in self._api_audiences)
        if found is None or (audiences and not common):
            return None
        return Verified(found, common, good_for=float("inf"))


def _read(path: Path) -> list[tuple[str, UserInfo]]:
    try:
        rows = list(csv.reader(path.read_text().splitlines(), skipinitialspace=True))
    except OSError as error:
        raise SettingsError(f"token file {path} cannot be read: {error.strerror}") from error
    users = []
    for number, row in enumerate(rows, 1):
        if not row or not row[0]:
            continue
        if len(row) < 3:
            raise SettingsError(f"token file {path} line {number} needs token, user name and user uid")
        groups = tuple(group.strip() for group in row[3].split(",") if group.strip()) if len(row) > 3 else ()
        users.append((row[0], UserInfo(row[1], row[2], groups).authenticated()))
    return users
