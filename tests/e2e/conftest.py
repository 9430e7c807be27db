"""A whole cluster, started by the command a user types, and the real kubectl."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Kubectl:
    """Runs kubectl against one cluster; `text` says what a user would see."""

    context: str
    environment: dict[str, str]

    def __call__(self, *arguments: str, stdin: str = "", check: bool = True, timeout: float = 60) -> str:
        done = self.run(*arguments, stdin=stdin, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout if check else done.stdout + done.stderr

    def run(self, *arguments: str, stdin: str = "", timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "--context", self.context, *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout, env=self.environment, check=False
        )


@dataclass(frozen=True)
class Cluster:
    """A running cluster and how to call the command line."""

    name: str
    environment: dict[str, str]

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(f"cloudk8s-{self.name}", self.environment)


def cloudk8s(environment: dict[str, str], *arguments: str, check: bool = True) -> str:
    """Run our own command the way a user does."""
    done = subprocess.run(
        [sys.executable, "-m", "cloudk8s", *arguments],
        capture_output=True, text=True, timeout=120, env=environment, check=False, cwd=ROOT,
    )  # fmt: skip
    if check and done.returncode != 0:
        raise AssertionError(f"cloudk8s {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def environment_in(home: Path) -> dict[str, str]:
    """An environment whose home is a test's own."""
    paths = [str(ROOT), str(ROOT / "providers"), str(ROOT / "plugins"), *os.environ.get("PYTHONPATH", "").split(":")]
    return os.environ | {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "KUBECONFIG": str(home / "kubeconfig"),
        "PYTHONPATH": os.pathsep.join(paths),
        "NO_COLOR": "1",
    }


def started(home: Path, name: str, *options: str) -> Cluster:
    """Start a cluster with `cloudk8s up --detach`."""
    environment = environment_in(home)
    cloudk8s(environment, "up", "--detach", "--port", "0", "--name", name, *options)
    return Cluster(name, environment)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """API server and controllers with three simulated nodes."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    cluster = started(tmp_path_factory.mktemp("control-plane"), "e2e", "--nodes", "0", "--simulated-nodes", "3")
    yield cluster
    cloudk8s(cluster.environment, "down", "--name", "e2e", "--purge")


@pytest.fixture
def kubectl(control_plane: Cluster) -> Kubectl:
    return control_plane.kubectl


@pytest.fixture
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, deleted without waiting."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower())[:63].strip("-")
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
