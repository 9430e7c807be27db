"""Upstream's own programs, where there are any: a folder of them is named by the environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

VARIABLE = "CLOUDK8S_UPSTREAM_BINARIES"
PAGE = "docs/upstream-components.md tells how to build them"


@dataclass(frozen=True)
class Upstream:
    """A folder of upstream's components, all of one version."""

    folder: Path

    def path(self, name: str) -> str:
        """One of the programs; skips the test where it is not there."""
        found = self.folder / name
        if not found.is_file():
            pytest.skip(f"{VARIABLE} has no {name}; {PAGE}")
        return str(found)

    @cached_property
    def version(self) -> str:
        """As 1.20.2."""
        told = subprocess.run([self.path("kube-apiserver"), "--version"], capture_output=True, text=True, check=True)
        return re.search(r"v(1\.\d+\.\d+)", told.stdout)[1]  # type: ignore[index]

    @property
    def minor(self) -> int:
        return int(self.version.split(".")[1])

    @property
    def manager_flags(self) -> list[str]:
        """What a controller manager of that age needs: no port without TLS."""
        return ["--port=0"] if self.minor < 24 else []

    @property
    def scheduler_flags(self) -> list[str]:
        """A scheduler before 1.21 waits for budgets of an API version that servers since 1.25 do not have."""
        return [*self.manager_flags, *(["--feature-gates=PodDisruptionBudget=false"] if self.minor < 21 else [])]

    @property
    def server_flags(self) -> list[str]:
        """Pods get tokens of their own, which 1.22 and later give without being told."""
        return ["--feature-gates=BoundServiceAccountTokenVolume=true"] if self.minor < 22 else []


def upstream_or_skip() -> Upstream:
    """The folder that the environment names."""
    folder = os.environ.get(VARIABLE, "")
    if not folder:
        pytest.skip(f"{VARIABLE} names no folder of upstream's programs; {PAGE}")
    return Upstream(Path(folder).absolute())


def program_or_skip(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found
