"""The account's file. Processes take turns by a lock beside it; readers see a whole file without one."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from cloudk8s.errors import SettingsError
from cloudk8s.machinery import codec
from cloudk8s_local.account.thing import Thing

Things = dict[str, Thing]


class AccountFile:
    """Without a directory nothing outlives the process."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._memory: Things = {}
        self._lock = threading.RLock()

    def read(self) -> Things:
        """All things, by id."""
        if self._directory is None:
            return dict(self._memory)
        path = self._directory / "account.json"
        try:
            return {id: Thing(**entry) for id, entry in codec.decode(path.read_bytes()).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{path} is damaged ({error}); the machines it names may still run") from error

    def write(self, things: Mapping[str, Thing]) -> None:
        """Replace the file as a whole; the caller holds the lock."""
        if self._directory is None:
            self._memory = dict(things)
            return
        path = self._directory / "account.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(codec.encode({id: asdict(thing) for id, thing in things.items()}))
        fresh.replace(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who changes things, in all processes of this host."""
        with self._lock:
            if self._directory is None:
                yield
                return
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            with (self._directory / "lock").open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
