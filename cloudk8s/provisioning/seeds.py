"""Where the seed of a cluster's secrets is kept: with the provider where that keeps secrets, else on this host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloudk8s.apiserver.pki import private_file
from cloudk8s.cloud.interface import KeepsSecrets
from cloudk8s.controlplane.machine.seed import Seed
from cloudk8s.provisioning.bookmarks import directory


@dataclass(slots=True)
class Seeds:
    """The seed of one cluster, read once."""

    cluster: str
    keeper: KeepsSecrets | None
    _seed: Seed | None = None

    def find(self) -> Seed | None:
        """The cluster's seed, if it has one."""
        if self._seed is None:
            value = self._read()
            self._seed = Seed(value) if value else None
        return self._seed

    def ensure(self) -> Seed:
        """The cluster's seed, made and kept if there is none."""
        if (found := self.find()) is not None:
            return found
        value = Seed.new().value
        if self.keeper is not None:
            value = self.keeper.keep_secret(self.cluster, value)
        else:
            private_file.write(self._path, value)
        self._seed = Seed(value)
        return self._seed

    def forget(self) -> None:
        """The cluster is gone; absent is success."""
        if self.keeper is not None:
            self.keeper.forget_secret(self.cluster)
        else:
            self._path.unlink(missing_ok=True)
        self._seed = None

    def _read(self) -> bytes | None:
        if self.keeper is not None:
            return self.keeper.secret(self.cluster)
        return self._path.read_bytes() if self._path.exists() else None

    @property
    def _path(self) -> Path:
        return directory() / f"{self.cluster}.seed"
