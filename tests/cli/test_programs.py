"""Servers run in a process that knows nothing of the command line, and imports what it needs only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloudk8s.cli.app import run
from cloudk8s.cli.programs.process import Serve
from cloudk8s.machinery import typed_settings
from cloudk8s.node.settings import NodeSettings

COMMAND_LINE = {"typer", "click", "rich"}
LARGE = COMMAND_LINE | {"cryptography", "grpc", "h11", "http.client", "jsonschema_rs", "numpy", "pluggy", "pydantic"}
AGENT = "cloudk8s.cli.programs.kubelet, cloudk8s.controlplane.host.agent, cloudk8s.node.runtimes.host.runtime"


def test_the_agent_does_without_what_is_large_and_rarely_needed() -> None:
    assert not (LARGE | {"uvloop", "wsproto", "yaml"}) & imported_by(AGENT)


def test_the_api_server_does_without_what_only_some_requests_need() -> None:
    server = "cloudk8s.cli.programs.apiserver, cloudk8s.controlplane.standalone, cloudk8s.plugin"
    late = LARGE - {"cryptography", "pluggy"} | {"prometheus_client", "joserfc", "wsproto", "yaml"}
    assert not late & imported_by(server)


def test_the_process_begun_anew_reads_its_options_only(tmp_path: Path) -> None:
    """It says what the server says, in one line, and ends with its code; nothing of the order is left to children."""
    (tmp_path / "sitecustomize.py").write_text(SPY)
    told = tmp_path / "told"
    environment = os.environ | {"TOLD": str(told), "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "cloudk8s", "kubelet", "--kubeconfig", str(tmp_path / "none")]
    done = subprocess.run(
        [*command, "--root-dir", str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == f"error: kubeconfig {tmp_path / 'none'} does not exist\n"
    modules, variables = told.read_text().splitlines()
    assert "cloudk8s.node.agent" in modules.split()
    assert not COMMAND_LINE & set(modules.split())
    assert "CLOUDK8S_SERVER" not in variables.split()


SPY = """
import atexit, os, sys

def tell():
    with open(os.environ["TOLD"], "w") as file:
        print(*sys.modules, file=file)
        print(*os.environ, file=file)

atexit.register(tell)
"""
"""Each process writes down at its end what it had imported; the one that was replaced has none."""


def test_options_arrive_as_they_were_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Serve] = []
    monkeypatch.setattr(Serve, "here", lambda self: seen.append(self))
    flags = ["--max-pods=7", "--node-labels=a=b", "--cluster-dns=10.0.0.10", "--listen-fd=5", "--stop-with-input"]
    assert run(["kubelet", "--kubeconfig=k.conf", f"--root-dir={tmp_path}", "--hostname-override=n", *flags]) == 0
    options = seen[0].options
    again = typed_settings.decode(type(options), typed_settings.encode(options))
    assert again == options
    settings = again.settings  # type: ignore[attr-defined]
    assert isinstance(settings, NodeSettings)
    assert (settings.max_pods, settings.node_labels, settings.cluster_dns) == (7, {"a": "b"}, ("10.0.0.10",))
    assert (settings.listen_fd, settings.root_dir) == (5, tmp_path)


def imported_by(modules: str) -> frozenset[str]:
    command = f"import {modules}, sys; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True)
    return frozenset(shown.stdout.split())
