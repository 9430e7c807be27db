"""`make up` as the README says it, in a fresh copy of the sources, by a user without privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.test_network import eventually
from tests.e2e.test_without_root import User, anybody, processes

pytestmark = [pytest.mark.kubectl, pytest.mark.slow, pytest.mark.timeout(300)]
SOURCES = ("cloudk8s", "providers", "plugins", "build_hooks", "pyproject.toml", "README.md", "LICENSE", "Makefile")
PYTHON = "/usr/bin/python3"
SERVE = "cd /tmp && echo hello > $HOSTNAME.txt && exec python3 -m http.server 80"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A checkout below a home, and nothing else of ours there: no environment, no packages."""
    missing = [name for name in ("make", "kubectl") if shutil.which(name) is None]
    if missing or subprocess.run([PYTHON, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode:
        pytest.skip(f"needs {', '.join(missing) or 'a python that makes environments'}")
    home = Path(tempfile.mkdtemp(prefix="cloudk8s-make-"))
    for name in SOURCES:
        source, target = ROOT / name, home / "checkout" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "registry.bin"))
        else:
            shutil.copy(source, target)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def user(home: Path) -> Iterator[User]:
    """Whoever runs the tests; for root somebody else. Their files are where they are by default."""
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        uid, gid = anybody()
        subprocess.run(["chown", "-R", f"{uid}:{gid}", str(home)], check=True)
        identity = {"user": uid, "group": gid, "extra_groups": []}
    kept = {name: text for name, text in os.environ.items() if name in ("PATH", "TERM") or name.startswith("PIP_")}
    user = User(identity, PYTHON, kept | {"HOME": str(home), "PYTHON": PYTHON})
    make(user, home, "up", "UP=--port 0")
    yield user
    make(user, home, "down")


def make(user: User, home: Path, *words: str) -> str:
    return user.run("make", "-C", str(home / "checkout"), *words)


def test_the_cluster_works_and_ends_without_a_trace(user: User, home: Path):
    assert " Ready " in user.run("kubectl", "get", "nodes")
    user.run("kubectl", "create", "deployment", "web", "--image=host", "--", "sh", "-c", SERVE)
    user.run("kubectl", "expose", "deployment", "web", "--port=80")
    user.run("kubectl", "rollout", "status", "deployment/web", "--timeout=60s")
    ask = ("kubectl", "exec", "deployment/web", "--", "curl", "-s", "-m", "3", "http://web/")
    eventually(lambda: "web-" in user.run(*ask, check=False))
    make(user, home, "down")
    assert not [line for line in processes() if f"{home}/.local/share/cloudk8s" in line]
    make(user, home, "up", "UP=--port 0")
    eventually(lambda: "web-" in user.run(*ask, check=False))
